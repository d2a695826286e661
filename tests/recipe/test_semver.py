"""Semantic versions are those of semver.org, in its order."""

from __future__ import annotations

from itertools import pairwise

import pytest

from phigen.recipe.semver import is_prerelease, is_semantic, newest, precedence

IN_ORDER = [
    "0.9.10",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.2.0",
    "1.10.0",
    "2.0.0",
]
"""Those with alpha, beta and rc are the standard's own example."""


def test_they_are_ordered_as_the_standard_orders_them() -> None:
    assert all(precedence(older) < precedence(newer) for older, newer in pairwise(IN_ORDER))
    assert all(map(is_semantic, IN_ORDER))


@pytest.mark.parametrize(
    "text", ["", "1", "1.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0-a..b", "1.0.0\n", "1.0.0+1"]
)
def test_what_is_none_is_not_taken_for_one(text: str) -> None:
    assert not is_semantic(text)


def test_a_prerelease_is_distinguished_from_a_release() -> None:
    assert [version for version in IN_ORDER if not is_prerelease(version)] == [
        "0.9.10",
        "1.0.0",
        "1.2.0",
        "1.10.0",
        "2.0.0",
    ]


def test_the_newest_is_a_release_if_there_is_one() -> None:
    assert newest(["1.9.0", "2.0.0-rc.1", "1.10.0"]) == "1.10.0"
    assert newest(["1.0.0-rc.1", "1.0.0-rc.2", "1.0.0-beta"]) == "1.0.0-rc.2"
    assert newest([]) is None
