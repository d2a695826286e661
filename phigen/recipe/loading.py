"""From a recipe's YAML to a Recipe, with every fault at its line and column."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from phigen.errors import RecipeError
from phigen.recipe.checks.run import faults_between
from phigen.recipe.messages import describe, echoes, nearest, place
from phigen.recipe.model import Recipe

Trail = tuple[str | int, ...]


def load(source: str | Path) -> Recipe:
    """Read a recipe from a file, or one that phigen ships by its name alone.

    Parameters
    ----------
    source : str or Path
        Path of a YAML file, or a name such as ``rotation_eq10``.

    Returns
    -------
    Recipe
        Sound in itself; its `text` is the file word for word.

    Raises
    ------
    RecipeError
        If the file cannot be read, with one line for every fault in it: `file:line:column: where: fault`.
    """
    path = _find(source)
    return parse(_read(path), str(path))


def parse(text: str, where: str = "recipe") -> Recipe:
    """Read a recipe from YAML text; `where` names it in messages.

    Raises
    ------
    RecipeError
        With one line for every fault.
    """
    data = _parse_yaml(text, where)
    places = _Places(data)
    try:
        recipe = Recipe.model_validate(data, context={"text": text, "where": where})
    except ValidationError as error:
        faults = [(places.of(place(fault)), describe(fault)) for fault in error.errors() if not echoes(fault)]
        sound = dict(_sound_sections(data))
    else:
        faults = []
        sound = {name: getattr(recipe, name) for name in Recipe.model_fields}
    faults += [(places.of(trail), fault) for trail, fault in faults_between(sound)]
    if faults:
        raise RecipeError(*(f"{where}:{line}:{column}: {part}{text}" for (line, column, part), text in sorted(faults)))
    return recipe


def located(recipe: Recipe, trail: Trail, fault: str) -> str:
    """Put a fault that shows itself only later in words like those of `parse`: with its place in the recipe's text."""
    line, column, part = _Places(_parse_yaml(recipe.text, recipe.where)).of(trail)
    return f"{recipe.where}:{line}:{column}: {part}{fault}"


def shipped() -> dict[str, Path]:
    """Give the recipes that phigen ships, by name."""
    package = Path(str(resources.files("phigen")))
    folder = next((f for f in (package / "recipes", package.parent / "recipes") if f.is_dir()), None)
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))} if folder else {}


def _find(source: str | Path) -> Path:
    path = Path(source)
    if os.path.exists(path) or path.name != str(source) or path.suffix in (".yaml", ".yml"):
        return path
    known = shipped()
    if path.name not in known:
        raise RecipeError(
            f"{source}: no such file, and phigen ships no recipe of that name{nearest(path.name, known)}; "
            f"it ships {', '.join(known)}"
        )
    return known[path.name]


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such file; phigen ships {', '.join(shipped())}") from None
    except IsADirectoryError:
        raise RecipeError(f"{path}: is a directory, not a recipe; name a YAML file in it") from None
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: is not text, got byte {error.object[error.start]:#04x}; a recipe is YAML") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read, {error.strerror}") from None
    control = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if control:
        raise RecipeError(f"{path}: is not text, got character {ord(control[0]):#04x}; a recipe is YAML")
    return text


def _parse_yaml(text: str, where: str) -> CommentedMap:
    try:
        data = YAML(typ="rt").load(text)
    except DuplicateKeyError as error:
        key = re.search(r'duplicate key "([^"]*)"', str(error.problem))
        name = f" {key[1]!r}" if key else ""
        raise RecipeError(f"{_mark(where, error)}: the key{name} is there twice; leave one out") from None
    except MarkedYAMLError as error:
        advice = "; indent with spaces" if "\\t" in str(error.problem) else ""
        problem = " ".join(str(error.problem or error.context).split())
        raise RecipeError(f"{_mark(where, error)}: is not YAML, {problem}{advice}") from None
    except RecursionError:
        raise RecipeError(f"{where}: is nested too deeply for a recipe") from None
    except YAMLError as error:
        raise RecipeError(f"{where}: is not YAML, {' '.join(str(error).split())}") from None
    except ValueError as error:
        what = str(error).partition(";")[0]
        raise RecipeError(f"{where}: holds no number or date that can be, {what}; write it otherwise") from None
    if data is None:
        raise RecipeError(f"{where}: is empty; a recipe has at least name, version, grid, time and scene")
    if not isinstance(data, CommentedMap):
        raise RecipeError(f"{where}:1:1: a recipe is a mapping of keys to values, got {type(data).__name__}")
    return data


def _mark(where: str, error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where


class _Places:
    """Where in the file each part of a recipe stands."""

    def __init__(self, data: CommentedMap) -> None:
        self.data = data

    def of(self, trail: Trail) -> tuple[int, int, str]:
        """Give line, column and `dotted.trail: ` of the deepest part of the trail that is in the file.

        A segment that the file lacks is a missing key if it is the last, or else pydantic's own tag for one of
        several forms, which the reader need not see.
        """
        node: Any = self.data
        line, column = 0, 0
        named = []
        for depth, segment in enumerate(trail):
            if isinstance(node, CommentedMap) and segment in node:
                if segment in (node.lc.data or {}):
                    line, column = node.lc.key(segment)
            elif isinstance(node, CommentedSeq) and isinstance(segment, int) and segment < len(node):
                line, column = node.lc.item(segment)
            elif depth < len(trail) - 1 or segment in ("scalar", "list", "mapping"):
                continue
            else:
                named.append(str(segment))
                break
            node = node[segment]
            named.append(str(segment))
        return line + 1, column + 1, f"{'.'.join(named)}: " if named else ""


def _sound_sections(data: CommentedMap) -> Iterator[tuple[str, Any]]:
    """Give the sections that are sound by themselves, though the recipe as a whole is not."""
    for name, field in Recipe.model_fields.items():
        if name not in data:
            if not field.is_required():
                yield name, field.get_default(call_default_factory=True)
            continue
        try:
            yield name, TypeAdapter(Any if field.annotation is None else field.annotation).validate_python(data[name])
        except ValidationError:
            continue
