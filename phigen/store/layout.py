"""The attributes of a store, whatever its layout.

A store's attribute `layout` is the number of its layout: 3 from phigen 0.3 on, with several runs in a shard, and 2 in
phigen 0.2, with one.  Stores of phigen 0.1 have none; they are read by translating two attributes and three keys of
their recipe.  Stores of an older layout are read, but not continued or repaired.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phigen.errors import StoreError

if TYPE_CHECKING:
    from phigen.recipe.model import Recipe

LAYOUT = 3
"""The layout that is written."""

_ATTRIBUTES = {"frame": "reference_frame", "reading": "scaling_method"}
_KEYS = {"frame": "reference_frame", "reading": "scaling_method", "fractional": "non_integer"}
_VALUES = {"fractional": {"refused": "error", "resampled": "resample", "floored": "truncate"}}


def attributes_of(path: Path) -> dict[str, Any]:
    """Read the attributes of a store on this machine, with the names of today's layout.

    Raises
    ------
    StoreError
        If there is no dataset of phigen's at the path, or its layout is newer than this phigen.
    """
    return translated(stored_attributes(path), str(path))


def stored_attributes(path: Path) -> dict[str, Any]:
    """Read the attributes of a store on this machine as they are stored.

    Raises
    ------
    StoreError
        If there is no dataset of phigen's at the path.
    """
    try:
        attributes: dict[str, Any] = json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"]
        _ = attributes["runs"], attributes["versions"]
    except FileNotFoundError:
        what = "is not a dataset of phigen's, there is no zarr.json in it" if path.exists() else "no such dataset"
        raise StoreError(f"{path}: {what}; build one with phigen build RECIPE") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{path}: is not a dataset of phigen's; build one with phigen build RECIPE") from None
    return attributes


def translated(attributes: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a store's attributes with the names of today's layout, and the number of the layout that it has.

    Parameters
    ----------
    attributes : mapping
        As stored.
    where : str
        The store's place, for messages.

    Raises
    ------
    StoreError
        If the layout is newer than this phigen.
    """
    layout = attributes.get("layout", 1)
    if layout not in range(1, LAYOUT + 1):
        raise StoreError(
            f"{where}: has layout {layout}, this phigen reads layouts 1 to {LAYOUT}; install a newer phigen"
        )
    names = _ATTRIBUTES if layout == 1 else {}
    return {names.get(name, name): value for name, value in attributes.items()} | {"layout": layout}


def recipe_of(attributes: Mapping[str, Any]) -> Recipe:
    """Return the recipe that a dataset's attributes hold.

    The attribute `recipe` stays as its author wrote it; of layout 1, the keys that have other names today are
    translated before it is read.

    Raises
    ------
    RecipeError
        If it is not valid.
    """
    from phigen.recipe.loading import parse

    text = attributes["recipe"]
    return parse(_with_todays_keys(text) if attributes.get("layout", 1) == 1 else text, attributes["name"])


def _with_todays_keys(text: str) -> str:
    """Return a recipe of phigen 0.1 with today's names of keys and values; all else stays in its place."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        root = YAML().compose(text)
    except YAMLError:  # whoever parses the text says where it is wrong
        return text
    changes = {}
    sections = (section for key, section in _pairs(root) if key.value == "symmetry")
    for key, value in (pair for section in sections for pair in _pairs(section)):
        changes[key.start_mark.index, key.end_mark.index] = _KEYS.get(key.value, key.value)
        if key.value in _VALUES:
            changes[value.start_mark.index, value.end_mark.index] = _VALUES[key.value].get(value.value, value.value)
    for (start, end), word in sorted(changes.items(), reverse=True):
        text = text[:start] + word + text[end:]
    return text


def _pairs(node: Any) -> list[tuple[Any, Any]]:
    """Return the keys and values of a YAML mapping; of anything else, none."""
    from ruamel.yaml.nodes import MappingNode

    return node.value if isinstance(node, MappingNode) else []
