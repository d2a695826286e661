"""What pydantic finds wrong with a recipe, in words that say what was found and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from phigen.recipe.model import Recipe

_REMEDIES = {
    "name": "is no file name, got {got}; use letters, digits, '_', '-' and '.', as in rotation_eq10",
    "version": "is no semantic version, got {got}; use three numbers, as in 1.0.0",
}
_FORMS = {"'scalar'": "one value", "'list'": "a list", "'mapping'": "a mapping"}


def describe(fault: Any) -> str:
    """Put one of pydantic's faults (`ValidationError.errors()`) into words."""
    return _WORDINGS.get(fault["type"], _plain)(fault)


def place(fault: Any) -> tuple[str | int, ...]:
    """Give where it lies: that of a section that contradicts itself ends with its kind, which is no part of a file."""
    loc: tuple[str | int, ...] = fault["loc"]
    return loc[:-1] if fault["type"] == "value_error" else loc


def echoes(fault: Any) -> bool:
    """Whether a list is called too short only because its items are faulty, which is said already."""
    return fault["type"] == "too_short" and bool(fault["input"])


def nearest(word: str, known: Iterable[str]) -> str:
    """Give `; did you mean ...?` if one of the known words is near, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def _plain(fault: Any) -> str:
    message = str(fault["msg"]).removeprefix("Input ")
    return f"{message}, got {_show(fault['input'])}"


def _unknown_key(fault: Any) -> str:
    known = _keys_at(fault["loc"][:-1])
    return f"unknown key{nearest(str(fault['loc'][-1]), known)}; known are {', '.join(known)}"


def _unknown_choice(fault: Any) -> str:
    choices = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
    return _plain(fault) + nearest(str(fault["input"]), choices)


def _unknown_form(fault: Any) -> str:
    expected = fault["ctx"]["expected_tags"]
    if "kind" in fault["ctx"]["discriminator"]:
        tag = fault["ctx"]["tag"]
        return f"the kind should be one of {expected}, got {tag!r}" + nearest(tag, re.findall(r"\w+", expected))
    for tag, form in _FORMS.items():
        expected = expected.replace(tag, form)
    return f"expected {expected.replace(', ', ' or ')}, got {_show(fault['input'])}"


def _no_kind(fault: Any) -> str:
    if not isinstance(fault["input"], Mapping):
        return _no_mapping(fault)
    models = _models_at(fault["loc"])
    kinds = [kind for model in models for kind in _kinds_of(model)]
    return f"has no kind; add kind: {', '.join(kinds[:-1])} or {kinds[-1]}"


def _no_mapping(fault: Any) -> str:
    return f"expected a mapping of keys to values, got {_show(fault['input'])}"


def _bad_length(fault: Any) -> str:
    bounds = [f"{word} {fault['ctx'][key]}" for key, word in _BOUNDS.items() if key in fault["ctx"]]
    return f"needs {' and '.join(bounds)} entries, got {len(fault['input'])}"


_BOUNDS = {"min_length": "at least", "max_length": "at most"}
_WORDINGS: dict[str, Callable[[Any], str]] = {
    "extra_forbidden": _unknown_key,
    "missing": lambda fault: "is missing; add it",
    "literal_error": _unknown_choice,
    "union_tag_invalid": _unknown_form,
    "union_tag_not_found": _no_kind,
    "too_long": _bad_length,
    "too_short": _bad_length,
    "model_type": _no_mapping,
    "model_attributes_type": _no_mapping,
    "tuple_type": lambda fault: f"expected a list, got {_show(fault['input'])}",
    "string_pattern_mismatch": lambda fault: _REMEDIES[fault["loc"][-1]].format(got=_show(fault["input"])),
    "value_error": lambda fault: str(fault["msg"]).removeprefix("Value error, "),
}


def _show(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "nothing" if value is None else repr(value)


def _keys_at(trail: tuple[str | int, ...]) -> list[str]:
    """Give the keys that the section at a trail knows."""
    return list(dict.fromkeys(key for model in _models_at(trail) for key in model.model_fields))


def _models_at(trail: tuple[str | int, ...]) -> list[type[BaseModel]]:
    """Give the section at a trail; of a section of several kinds, the kind that the trail names, or all."""
    models: list[type[BaseModel]] = [Recipe]
    for segment in trail:
        inside = [field for m in models if (field := m.model_fields.get(str(segment))) is not None]
        if inside:
            models = [model for field in inside for model in _models_in(field.annotation)]
        else:
            models = [model for model in models if segment in _kinds_of(model)] or models
    return models


def _kinds_of(model: type[BaseModel]) -> tuple[Any, ...]:
    return get_args(model.model_fields["kind"].annotation) if "kind" in model.model_fields else ()


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
