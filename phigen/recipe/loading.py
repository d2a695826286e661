"""Loading a recipe from YAML, with every error at its line and column."""

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
from phigen.recipe.checks.problem import Place, nearest
from phigen.recipe.checks.recipe import Sections, check
from phigen.recipe.messages import describe, place, repeats
from phigen.recipe.model import Recipe


def load(source: str | Path) -> Recipe:
    """Load a recipe from a file, or a shipped recipe by its name.

    Parameters
    ----------
    source : str or Path
        Path of a YAML file, or a name such as ``rotation_eq10``.

    Returns
    -------
    Recipe
        A valid one; its `text` is the file, word for word.

    Raises
    ------
    RecipeError
        If the file cannot be read, or with one line for every error in it: `file:line:column: where: error`.
    """
    path = _find(source)
    return parse(_read(path), str(path))


def parse(text: str, where: str = "recipe") -> Recipe:
    """Load a recipe from YAML text; `where` names it in messages.

    Raises
    ------
    RecipeError
        With one line for every error.
    """
    data = _parse_yaml(text, where)
    try:
        recipe = Recipe.model_validate(data, context={"text": text, "where": where})
    except ValidationError as invalid:
        errors = [(place(error), describe(error)) for error in invalid.errors() if not repeats(error)]
        errors += check(Sections.of(dict(_valid_sections(data)))).problems
    else:
        errors = list(recipe.checked.problems)
        if not errors:
            return recipe
    places = _Places(data)
    found = sorted((places.of(path), text) for path, text in errors)
    raise RecipeError(*(f"{where}:{line}:{column}: {part}{text}" for (line, column, part), text in found))


def located(recipe: Recipe, path: Place, text: str) -> str:
    """Return the message of an error that shows itself after loading, with its place in the recipe's text."""
    line, column, part = _Places(_parse_yaml(recipe.text, recipe.where)).of(path)
    return f"{recipe.where}:{line}:{column}: {part}{text}"


def shipped() -> dict[str, Path]:
    """Return the files of the recipes that phigen ships, by name: in the installed package, or in a checkout."""
    package = Path(str(resources.files("phigen")))
    folder = next((f for f in (package / "data" / "recipes", package.parent / "recipes") if f.is_dir()), None)
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))} if folder else {}


def _find(source: str | Path) -> Path:
    path = Path(source)
    if os.path.exists(path) or path.name != str(source) or path.suffix in (".yaml", ".yml"):
        return path
    known = shipped()
    if path.name not in known:
        raise RecipeError(
            f"{source}: is neither a file nor a recipe that phigen ships{nearest(path.name, known)}; "
            f"shipped are {', '.join(known)}"
        )
    return known[path.name]


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such file; phigen ships the recipes {', '.join(shipped())}") from None
    except IsADirectoryError:
        raise RecipeError(f"{path}: is a directory, not a recipe; name a YAML file in it") from None
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise RecipeError(f"{path}: is not text, got byte {byte:#04x}; a recipe is a YAML file") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read, {error.strerror}") from None
    control = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if control:
        raise RecipeError(f"{path}: is not text, got character {ord(control[0]):#04x}; a recipe is a YAML file")
    return text


def _parse_yaml(text: str, where: str) -> CommentedMap:
    try:
        data = YAML(typ="rt").load(text)
    except DuplicateKeyError as error:
        key = re.search(r'duplicate key "([^"]*)"', str(error.problem))
        name = f" {key[1]!r}" if key else ""
        raise RecipeError(f"{_mark(where, error)}: the key{name} is given twice; remove one") from None
    except MarkedYAMLError as error:
        advice = "; indent with spaces" if "\\t" in str(error.problem) else ""
        problem = " ".join(str(error.problem or error.context).split())
        raise RecipeError(f"{_mark(where, error)}: is not valid YAML, {problem}{advice}") from None
    except RecursionError:
        raise RecipeError(f"{where}: is nested too deeply; a recipe has at most a few levels") from None
    except YAMLError as error:
        raise RecipeError(f"{where}: is not valid YAML, {' '.join(str(error).split())}") from None
    except ValueError as error:
        what = str(error).partition(";")[0]
        raise RecipeError(f"{where}: contains an invalid number or date, {what}; correct it") from None
    if data is None:
        raise RecipeError(f"{where}: is empty; add at least name, version, grid, time and scene")
    if not isinstance(data, CommentedMap):
        what = "a list" if isinstance(data, CommentedSeq) else "one value"
        raise RecipeError(f"{where}:1:1: is not a mapping of keys to values, got {what}; write key: value")
    return data


def _mark(where: str, error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where


class _Places:
    """The line and column of each part of a recipe."""

    def __init__(self, data: CommentedMap) -> None:
        self.data = data

    def of(self, path: Place) -> tuple[int, int, str]:
        """Return line, column and `dotted.path: ` of the deepest part of the path that is in the file.

        A segment that is not in the file is a missing key if it is the last one; otherwise it is pydantic's tag for
        one of several forms, which is left out.
        """
        node: Any = self.data
        line, column = 0, 0
        named = []
        for depth, segment in enumerate(path):
            if isinstance(node, CommentedMap) and segment in node:
                if segment in (node.lc.data or {}):
                    line, column = node.lc.key(segment)
            elif isinstance(node, CommentedSeq) and isinstance(segment, int) and segment < len(node):
                line, column = node.lc.item(segment)
            elif depth < len(path) - 1 or segment in ("scalar", "list", "mapping"):
                continue
            else:
                named.append(str(segment))
                break
            node = node[segment]
            named.append(str(segment))
        return line + 1, column + 1, f"{'.'.join(named)}: " if named else ""


def _valid_sections(data: CommentedMap) -> Iterator[tuple[str, Any]]:
    """Yield the sections that are valid by themselves, though the recipe as a whole is not."""
    for name, field in Recipe.model_fields.items():
        if name not in data:
            if not field.is_required():
                yield name, field.get_default(call_default_factory=True)
            continue
        try:
            yield name, TypeAdapter(Any if field.annotation is None else field.annotation).validate_python(data[name])
        except ValidationError:
            continue
