"""A reference is read from all ways of writing it, and refused with what to write."""

from __future__ import annotations

import pytest

from phigen.errors import HubError
from phigen.hub.reference import Reference


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("owner/name", Reference("owner/name")),
        ("owner/name@v1.0.0", Reference("owner/name", "1.0.0")),
        ("owner/name@1.0.0-rc.1", Reference("owner/name", "1.0.0-rc.1")),
        ("hf://datasets/owner/name@v1.0.0", Reference("owner/name", "1.0.0")),
        ("hf://datasets/owner/name@v1.0.0/store.zarr/", Reference("owner/name", "1.0.0")),
    ],
)
def test_every_way_of_writing_a_reference_is_read(text: str, reference: Reference) -> None:
    assert Reference.parse(text) == reference


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name", "write OWNER/NAME, OWNER/NAME@v1.0.0 or hf://datasets/OWNER/NAME@v1.0.0"),
        ("hf://models/owner/name", "write OWNER/NAME"),
        ("owner/name@main", "'main' is not a semantic version; write OWNER/NAME@v1.0.0, `phigen versions owner/name`"),
        ("owner/name@", "'' is not a semantic version"),
        (f"owner/{'n' * 91}", "at most 96 characters"),
    ],
)
def test_what_is_not_a_reference_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(HubError) as caught:
        Reference.parse(text)
    assert str(caught.value).startswith(f"{text}: ")
    assert said in str(caught.value)


def test_a_reference_reads_back_as_it_is_written() -> None:
    reference = Reference("owner/name").at("1.0.0")
    assert Reference.parse(str(reference)) == Reference.parse(reference.url) == reference
