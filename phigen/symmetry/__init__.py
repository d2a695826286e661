"""Group elements and what they act on: points, vectors, fields; and the equivariance error of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from phigen.symmetry.element import Box as Box
    from phigen.symmetry.element import GroupElement as GroupElement
    from phigen.symmetry.element import Parts as Parts
    from phigen.symmetry.group import FiniteGroup as FiniteGroup
    from phigen.symmetry.group import Group as Group
    from phigen.symmetry.groups import GROUPS as GROUPS
    from phigen.symmetry.models.equivariance import Errors as Errors
    from phigen.symmetry.models.equivariance import LieDerivative as LieDerivative
    from phigen.symmetry.models.equivariance import ModelError as ModelError
    from phigen.symmetry.models.equivariance import lie_derivative as lie_derivative
    from phigen.symmetry.models.equivariance import model_error as model_error

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "element": ["Box", "GroupElement", "Parts"],
        "group": ["FiniteGroup", "Group"],
        "groups": ["GROUPS"],
        "models.equivariance": ["Errors", "LieDerivative", "ModelError", "lie_derivative", "model_error"],
    },
)
