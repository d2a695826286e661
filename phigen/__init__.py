"""Fluid datasets whose symmetry is exact where a recipe says so, and measured where it is not.

A dataset goes recipe -> plan -> simulate -> store -> measure, and each step is a function here.  Importing phigen
changes nothing in the process and loads no solver: a name is loaded when it is first used.  The names and where
they live are listed in ``__init__.pyi``.
"""

from __future__ import annotations

from typing import Any

from lazy_loader import attach_stub

_load, _names, _ = attach_stub(__name__, __file__)

__all__ = [name for name in _names() if name != "torch"]
"""The public names; ``phigen.torch``, which needs torch, is left out, so that ``import *`` works without it."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("phigen")
    return _load(name)


def __dir__() -> list[str]:
    return [*_names(), "__version__"]
