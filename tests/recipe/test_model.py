"""The recipe's JSON Schema explains every key, and its groups are those of the dict, whenever they were added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from phigen.symmetry.groups import GROUPS
from tests.shared.invalid_recipes import symmetry


def keys_of(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every key of every section with its schema."""
    sections = {"Recipe": schema} | schema["$defs"]
    for section, described in sections.items():
        for key, value in described.get("properties", {}).items():
            yield f"{section}.{key}", value


def test_every_key_has_a_description() -> None:
    keys = dict(keys_of(Recipe.model_json_schema()))
    assert len(keys) > 80
    assert [key for key, value in keys.items() if not value.get("description")] == []


FORMULAS = ("Sine.kind", "Symmetry.reference_frame")
"""Keys whose description begins with a formula or a value."""


def test_every_description_is_a_sentence() -> None:
    for key, value in keys_of(Recipe.model_json_schema()):
        text = value["description"]
        assert text.endswith("."), key
        assert text[0].isupper() or text[0] in "([" or key in FORMULAS, key


def test_the_schema_lists_the_groups_of_the_dict(monkeypatch: pytest.MonkeyPatch) -> None:
    def listed() -> list[str]:
        return Recipe.model_json_schema()["$defs"]["Symmetry"]["properties"]["group"]["enum"]

    assert listed() == list(GROUPS)
    monkeypatch.setitem(GROUPS, "own", GROUPS["C2"])
    assert listed()[-1] == "own"
    recipe = parse(symmetry("{group: own}"))
    assert [member.element.name for member in recipe.orbits[0].members] == ["identity", "rotate180"]


def test_a_recipe_that_was_checked_equals_one_that_was_not() -> None:
    content = parse(symmetry("{group: C4}")).model_dump()
    one, other = Recipe.model_validate(content), Recipe.model_validate(content)
    assert one.orbits
    assert one == other
    assert one != one.model_copy(update={"version": "9.9.9"})
