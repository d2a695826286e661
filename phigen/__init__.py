"""Fluid datasets whose symmetry is exact where a recipe says so, and measured where it is not.

The line of work is recipe -> plan -> simulate -> store -> measure; each step is a function here.  Importing the
package changes nothing in the process and loads no solver: names are fetched when they are used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phigen import symmetry as symmetry
    from phigen.building.builder import build as build
    from phigen.building.calibration import calibrate as calibrate
    from phigen.errors import PhigenError as PhigenError
    from phigen.formats.adopting import adopt as adopt
    from phigen.formats.exporting import export as export
    from phigen.formats.wang2022.reader import import_dataset as import_dataset
    from phigen.hub.downloading import download as download
    from phigen.hub.opening import open as open
    from phigen.hub.publishing import publish as publish
    from phigen.measurement.data_error import measure as measure
    from phigen.measurement.data_error import summarize as summarize
    from phigen.measurement.rounding_floor import rounding_floor as rounding_floor
    from phigen.pictures.preview import preview as preview
    from phigen.planning.plans import plan as plan
    from phigen.recipe.loading import load as load
    from phigen.recipe.model import Recipe as Recipe
    from phigen.simulation.program import simulate as simulate
    from phigen.symmetry.actions import act as act
    from phigen.symmetry.point_groups import turn as turn
    from phigen.training.windows import batches as batches

_HOMES = {
    "act": "symmetry.actions",
    "adopt": "formats.adopting",
    "batches": "training.windows",
    "build": "building.builder",
    "calibrate": "building.calibration",
    "download": "hub.downloading",
    "export": "formats.exporting",
    "rounding_floor": "measurement.rounding_floor",
    "import_dataset": "formats.wang2022.reader",
    "load": "recipe.loading",
    "measure": "measurement.data_error",
    "open": "hub.opening",
    "PhigenError": "errors",
    "plan": "planning.plans",
    "preview": "pictures.preview",
    "publish": "hub.publishing",
    "Recipe": "recipe.model",
    "simulate": "simulation.program",
    "summarize": "measurement.data_error",
    "turn": "symmetry.point_groups",
}

_MODULES = ("symmetry", "torch")

__version__ = version("phigen")
__all__ = [
    "PhigenError",
    "Recipe",
    "act",
    "adopt",
    "batches",
    "build",
    "calibrate",
    "download",
    "export",
    "rounding_floor",
    "import_dataset",
    "load",
    "measure",
    "open",
    "plan",
    "preview",
    "publish",
    "simulate",
    "summarize",
    "symmetry",
    "turn",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"phigen.{name}")
    if name == "torch":
        return import_module("phigen.torch")
    if name not in _HOMES:
        raise AttributeError(f"module 'phigen' has no attribute {name!r}")
    return getattr(import_module(f"phigen.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
