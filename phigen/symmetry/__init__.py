"""Group elements and what they act on: points, vectors, fields; and how far a model is from equivariant."""

from phigen.symmetry.model_equivariance import Errors as Errors
from phigen.symmetry.model_equivariance import LieDerivative as LieDerivative
from phigen.symmetry.model_equivariance import ModelError as ModelError
from phigen.symmetry.model_equivariance import lie_derivative as lie_derivative
from phigen.symmetry.model_equivariance import model_error as model_error
