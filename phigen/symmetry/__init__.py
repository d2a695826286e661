"""Group elements and what they act on: points, vectors, fields; and the equivariance error of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from phigen.symmetry.element import Box as Box
    from phigen.symmetry.element import GroupElement as GroupElement
    from phigen.symmetry.element import Parts as Parts
    from phigen.symmetry.groups import GROUPS as GROUPS
    from phigen.symmetry.groups import FiniteGroup as FiniteGroup
    from phigen.symmetry.groups import Group as Group
    from phigen.symmetry.model_equivariance import Errors as Errors
    from phigen.symmetry.model_equivariance import LieDerivative as LieDerivative
    from phigen.symmetry.model_equivariance import ModelError as ModelError
    from phigen.symmetry.model_equivariance import lie_derivative as lie_derivative
    from phigen.symmetry.model_equivariance import model_error as model_error

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "element": ["Box", "GroupElement", "Parts"],
        "groups": ["GROUPS", "FiniteGroup", "Group"],
        "model_equivariance": ["Errors", "LieDerivative", "ModelError", "lie_derivative", "model_error"],
    },
)
