# The public names, each once: lazy_loader reads this file when phigen is imported, and type checkers read it too.
from . import symmetry as symmetry
from . import torch as torch
from .building.builder import build as build
from .building.calibration import calibrate as calibrate
from .errors import PhigenError as PhigenError
from .formats.adopting import adopt as adopt
from .formats.exporting import export as export
from .formats.wang2022.reader import import_dataset as import_dataset
from .hub.downloading import download as download
from .hub.measuring import measure as measure
from .hub.opening import open as open
from .hub.publishing import publish as publish
from .measurement.data_error import summarize as summarize
from .measurement.rounding_floor import rounding_floor as rounding_floor
from .pictures.preview import preview as preview
from .planning.plans import plan as plan
from .recipe.loading import load as load
from .recipe.model import Recipe as Recipe
from .simulation.program import simulate as simulate
from .symmetry.actions import act as act
from .symmetry.point_groups import turn as turn
from .training.loaders import batches as batches

__all__: list[str]
__version__: str
