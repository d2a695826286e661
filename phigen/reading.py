"""From a recipe's YAML to a Recipe, with every fault at its line and column."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from phigen.checks import faults_between
from phigen.errors import RecipeError
from phigen.recipe import Recipe

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
        recipe = Recipe.model_validate(data, context={"text": text})
    except ValidationError as error:
        faults = [(places.of(fault["loc"]), _describe(fault)) for fault in error.errors() if not _echoes(fault)]
        sound = dict(_sound_sections(data))
    else:
        faults = []
        sound = {name: getattr(recipe, name) for name in Recipe.model_fields}
    faults += [(places.of(trail), fault) for trail, fault in faults_between(sound)]
    if faults:
        raise RecipeError(*(f"{where}:{line}:{column}: {part}{text}" for (line, column, part), text in sorted(faults)))
    return recipe


def shipped() -> dict[str, Path]:
    """Give the recipes that phigen ships, by name."""
    package = Path(str(resources.files("phigen")))
    folder = next((f for f in (package / "recipes", package.parent / "recipes") if f.is_dir()), None)
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))} if folder else {}


def _find(source: str | Path) -> Path:
    path = Path(source)
    if path.exists() or path.name != str(source) or path.suffix in (".yaml", ".yml"):
        return path
    known = shipped()
    if path.name not in known:
        raise RecipeError(
            f"{source}: no such file, and phigen ships no recipe of that name{_nearest(path.name, known)}; "
            f"it ships {', '.join(known)}"
        )
    return known[path.name]


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
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
            inside = isinstance(node, CommentedMap) and segment in node
            if inside:
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


def _echoes(fault: Any) -> bool:
    """Whether a list is called too short only because its items are faulty, which is said already."""
    return fault["type"] == "too_short" and bool(fault["input"])


def _describe(fault: Any) -> str:
    """Say what is wrong in a pydantic fault, what was found and what to do."""
    kind, got, key = fault["type"], fault["input"], fault["loc"][-1]
    if kind == "extra_forbidden":
        known = _keys_at(fault["loc"][:-1])
        return f"unknown key{_nearest(str(key), known)}; known are {', '.join(known)}"
    if kind == "missing":
        return "is missing; add it"
    if kind == "union_tag_invalid" and "kind" in fault["ctx"]["discriminator"]:
        tag, tags = fault["ctx"]["tag"], fault["ctx"]["expected_tags"]
        return f"the kind should be one of {tags}, got {tag!r}{_nearest(tag, re.findall(r'\w+', tags))}"
    if kind == "union_tag_invalid":
        return f"expected {_forms(fault['ctx']['expected_tags'])}, got {_show(got)}"
    if kind == "union_tag_not_found":
        return f"needs a kind, got {_show(got)}; add kind: constant, ramp, sine, steps or list"
    if kind == "string_pattern_mismatch":
        advice = {
            "name": "use letters, digits, '_', '-' and '.', as in rotation_eq10",
            "version": "use three numbers, as in 1.0.0",
        }
        return f"is no {'file name' if key == 'name' else 'semantic version'}, got {_show(got)}; {advice[str(key)]}"
    if kind in ("model_type", "model_attributes_type"):
        return f"expected a mapping of keys to values, got {_show(got)}"
    if kind in ("too_short", "too_long"):
        bound = (
            f"at most {fault['ctx']['max_length']}" if kind == "too_long" else f"at least {fault['ctx']['min_length']}"
        )
        return f"needs {bound} entries, got {len(got)}"
    message = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    if kind == "value_error":
        return message
    if kind == "literal_error" and isinstance(got, str):
        choices = re.findall(r"'([^']*)'", message)
        return f"{message}, got {got!r}{_nearest(got, choices)}"
    return f"{message}, got {_show(got)}"


def _forms(tags: str) -> str:
    names = {"scalar": "one value", "list": "a list", "mapping": "a mapping"}
    for tag, name in names.items():
        tags = tags.replace(f"'{tag}'", name)
    return tags.replace(", ", " or ")


def _show(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping" if value else "nothing"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "nothing" if value is None else repr(value)


def _nearest(word: str, known: Any) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def _keys_at(trail: Trail) -> list[str]:
    """Give the keys that the section at a trail knows."""
    models: list[type[BaseModel]] = [Recipe]
    for segment in trail:
        fields = [m.model_fields[segment].annotation for m in models if segment in m.model_fields]
        if fields:
            models = [model for field in fields for model in _models_in(field)]
        elif isinstance(segment, str):
            kinds = [m for m in models if getattr(m.model_fields.get("kind"), "annotation", None) is not None]
            models = [m for m in kinds if segment in get_args(m.model_fields["kind"].annotation)] or models
    return [key for model in models for key in model.model_fields]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


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
