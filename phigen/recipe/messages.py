"""Errors that pydantic finds in a recipe, in words that say what was found and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from phigen.recipe.checks.problem import Place, nearest
from phigen.recipe.model import Recipe

_REMEDIES = {
    "name": "is not a valid file name, got {got}; use letters, digits, '_', '-' and '.', as in rotation_eq10",
    "version": "is not a semantic version, got {got}; use three numbers, as in 1.0.0",
}
_FORMS = {"'scalar'": "one value", "'list'": "a list", "'mapping'": "a mapping"}

_RENAMED_KEYS = {
    ("symmetry", "frame"): "reference_frame",
    ("symmetry", "reading"): "scaling_method",
    ("symmetry", "fractional"): "non_integer",
}
"""Keys of phigen 0.1, by their place."""
_RENAMED_VALUES = {"refused": "error", "resampled": "resample", "floored": "truncate"}
"""Values of phigen 0.1 of the key that is now called non_integer."""


def describe(error: Any) -> str:
    """Return the text of one of pydantic's errors (`ValidationError.errors()`)."""
    return _WORDINGS.get(error["type"], _plain)(error)


def place(error: Any) -> Place:
    """Return where an error is; without the kind that pydantic adds for a section that contradicts itself."""
    loc: Place = error["loc"]
    return loc[:-1] if error["type"] == "value_error" else loc


def repeats(error: Any) -> bool:
    """Return whether a list is called too short only because its items are invalid, which is reported already."""
    return error["type"] == "too_short" and bool(error["input"])


def _plain(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Input ")
    return f"{message}, got {_show(error['input'])}"


def _unknown_key(error: Any) -> str:
    renamed = _RENAMED_KEYS.get(error["loc"])
    if renamed is not None:
        value = _RENAMED_VALUES.get(error["input"]) if renamed == "non_integer" else None
        return f"is now called {renamed}; rename it" + (f", and write {value} for {error['input']}" if value else "")
    known = _keys_at(error["loc"][:-1])
    return f"is not a known key{nearest(str(error['loc'][-1]), known)}; known are {', '.join(known)}"


def _unknown_choice(error: Any) -> str:
    if error["loc"] == ("symmetry", "non_integer") and error["input"] in _RENAMED_VALUES:
        return f"{error['input']} is now called {_RENAMED_VALUES[error['input']]}; rename it"
    choices = re.findall(r"'([^']*)'", error["ctx"]["expected"])
    return _plain(error) + nearest(str(error["input"]), choices)


def _unknown_form(error: Any) -> str:
    expected = error["ctx"]["expected_tags"]
    if "kind" in error["ctx"]["discriminator"]:
        tag = error["ctx"]["tag"]
        return f"the kind should be one of {expected}, got {tag!r}" + nearest(tag, re.findall(r"\w+", expected))
    for tag, form in _FORMS.items():
        expected = expected.replace(tag, form)
    return f"expected {expected.replace(', ', ' or ')}, got {_show(error['input'])}"


def _no_kind(error: Any) -> str:
    if not isinstance(error["input"], Mapping):
        return _no_mapping(error)
    models = _models_at(error["loc"])
    kinds = [kind for model in models for kind in _kinds_of(model)]
    return f"needs a kind; add kind: {', '.join(kinds[:-1])} or {kinds[-1]}"


def _no_mapping(error: Any) -> str:
    return f"expected a mapping of keys to values, got {_show(error['input'])}"


def _bad_length(error: Any) -> str:
    bounds = [f"{word} {error['ctx'][key]}" for key, word in _BOUNDS.items() if key in error["ctx"]]
    return f"must have {' and '.join(bounds)} entries, got {len(error['input'])}"


_BOUNDS = {"min_length": "at least", "max_length": "at most"}
_WORDINGS: dict[str, Callable[[Any], str]] = {
    "extra_forbidden": _unknown_key,
    "missing": lambda error: "is missing; add it",
    "literal_error": _unknown_choice,
    "union_tag_invalid": _unknown_form,
    "union_tag_not_found": _no_kind,
    "too_long": _bad_length,
    "too_short": _bad_length,
    "model_type": _no_mapping,
    "model_attributes_type": _no_mapping,
    "tuple_type": lambda error: f"expected a list, got {_show(error['input'])}",
    "string_pattern_mismatch": lambda error: _REMEDIES[error["loc"][-1]].format(got=_show(error["input"])),
    "value_error": lambda error: str(error["msg"]).removeprefix("Value error, "),
}


def _show(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "nothing" if value is None else repr(value)


def _keys_at(path: Place) -> list[str]:
    """Return the keys of the section at a place."""
    return list(dict.fromkeys(key for model in _models_at(path) for key in model.model_fields))


def _models_at(path: Place) -> list[type[BaseModel]]:
    """Return the section at a place; if it has several kinds, the kind that the place names, or all of them."""
    models: list[type[BaseModel]] = [Recipe]
    for segment in path:
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
