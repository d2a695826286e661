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
    from phigen.building import build as build
    from phigen.calibration import calibrate as calibrate
    from phigen.drawing import preview as preview
    from phigen.errors import PhigenError as PhigenError
    from phigen.foreign import adopt as adopt
    from phigen.formats.exporting import export as export
    from phigen.formats.importing import import_dataset as import_dataset
    from phigen.hub.downloading import download as download
    from phigen.hub.publishing import publish as publish
    from phigen.measurement import measure as measure
    from phigen.measurement import summarize as summarize
    from phigen.opening import open as open
    from phigen.orbit import act as act
    from phigen.planning import plan as plan
    from phigen.point_groups import turn as turn
    from phigen.reading import load as load
    from phigen.recipe import Recipe as Recipe
    from phigen.rounding import floor as floor
    from phigen.simulation import simulate as simulate
    from phigen.windows import batches as batches

_HOMES = {
    "act": "orbit",
    "adopt": "foreign",
    "batches": "windows",
    "build": "building",
    "calibrate": "calibration",
    "download": "hub.downloading",
    "export": "formats.exporting",
    "floor": "rounding",
    "import_dataset": "formats.importing",
    "load": "reading",
    "measure": "measurement",
    "open": "opening",
    "PhigenError": "errors",
    "plan": "planning",
    "preview": "drawing",
    "publish": "hub.publishing",
    "Recipe": "recipe",
    "simulate": "simulation",
    "summarize": "measurement",
    "turn": "point_groups",
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
    "floor",
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
