"""The sections of a recipe, loading a recipe, checking it, and expanding it into orbits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from phigen.recipe.loading import load as load
    from phigen.recipe.loading import parse as parse
    from phigen.recipe.loading import shipped as shipped
    from phigen.recipe.model import Recipe as Recipe

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"loading": ["load", "parse", "shipped"], "model": ["Recipe"]}
)
