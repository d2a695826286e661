"""The card of a published dataset: what it holds, how symmetric it is, how to load, cite and rebuild it.

It is made from what the store says about itself and from what was measured: the same dataset has the same card.  All
words are in `template.md`.  The functions here compute the values for its slots; a value that does not exist is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phigen.hub.card.front_matter import front_matter
from phigen.hub.card.markdown import escaped
from phigen.hub.reference import Reference
from phigen.installing import SOURCE, requirement
from phigen.measurement.tables import rows_by_level
from phigen.symmetry.fields import ALWAYS

if TYPE_CHECKING:
    import xarray as xr

TEMPLATE = Path(__file__).with_name("template.md")

INPUT, HORIZON = 10, 20
"""Frames of the windows in the literature; of a split that has fewer, a third and the rest."""


def card(
    facts: Mapping[str, Any],
    errors: xr.Dataset | None,
    *,
    rounding_floor: xr.Dataset | None,
    reference: Reference,
    files: int,
    size: int,
) -> str:
    """Return the text of a dataset's card, README.md of its repository on the Hub.

    Parameters
    ----------
    facts : dict
        From `describe`.
    errors : Dataset or None
        From `summarize`, of all stored frames; None if there is nothing to compare.
    rounding_floor : Dataset or None
        From `summarize`, of the rounding floor; None if the dataset has none.
    reference : Reference
        Repository and version that it is published as.
    files, size : int
        The number of files besides the card and the list of files, and their bytes.

    Returns
    -------
    str
        Markdown, with YAML front matter that the Hub's viewer and `datasets.load_dataset` understand.
    """
    from huggingface_hub import DatasetCard

    filled = DatasetCard.from_template(
        front_matter(facts),
        template_path=str(TEMPLATE),
        facts=escaped(facts),
        has_recipe=bool(facts.get("recipe_sha256")),
        errors=rows_by_level(errors, rounding_floor) if errors is not None else None,
        has_rounding_floor=rounding_floor is not None,
        levels=[_literal(level) for level in facts["levels"]],
        splits=_splits(facts),
        statistics=_statistics(facts),
        example=_example(facts),
        published={"reference": reference, "files": files, "size": size},
        code=_code(facts, reference),
    )
    return f"{filled}\n"


def _code(facts: Mapping[str, Any], reference: Reference) -> dict[str, Any]:
    """Return what is written into code blocks, which are not Markdown: a BibTeX entry and what pip installs."""
    return {
        "key": f"{facts['name']}-{reference.version}",
        "title": facts["name"].replace("_", r"\_"),
        "author": reference.repository.partition("/")[0].replace("_", r"\_"),
        "phigen": SOURCE,
        "phigen_with_torch": requirement(extra="torch"),
        "packages": [
            f'"{requirement(version=version)}"' if name == "phigen" else f"{name}=={version}"
            for name, version in facts["versions"].items()
        ],
    }


def _splits(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the runs and frames of each split."""
    frames = facts["split_frames"]
    return [
        {"name": name, "runs": facts["splits"].get(name, 0), "frames": frames.get(name, facts["frames"])}
        for name in ("train", "validation", "test")
        if name in facts["splits"] or name in frames
    ]


def _statistics(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return mean, spread and size of each variable and component that has statistics."""
    rows = []
    for variable in facts["variables"]:
        if variable["mean"] is not None:
            several = isinstance(variable["mean"], list)
            for i, component in enumerate("xy" if several else [""]):
                of_component = {
                    name: variable[name][i] if several else variable[name] for name in ("mean", "std", "rms")
                }
                rows.append({"variable": variable["name"], "component": component, **of_component})
    return rows


def _example(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the examples choose: the middle level, as the picture does, and the velocity if there is one."""
    level = _literal(facts["levels"][len(facts["levels"]) // 2])
    fields = [variable for variable in facts["variables"] if variable["name"] not in ALWAYS]
    velocity = next((field for field in fields if field["name"] == "velocity"), None)
    shown = velocity or fields[0]
    return {
        "level": level,
        "chosen": f"level == {level}" if len(facts["levels"]) > 1 else "split == 'train'",
        "field": shown["name"],
        "dims": ", ".join(dim for dim in shown["dims"] if dim != "run"),
        "frames": INPUT,
        "window": _window(facts) if velocity else None,
    }


def _window(facts: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many frames a window for training has as input, and how many as its horizon."""
    first, last = facts["split_frames"].get("train", facts["frames"])
    stored = facts["variables"][0]["shape"][1]
    every = (facts["frames"][1] - facts["frames"][0]) // max(stored - 1, 1) or 1
    frames = (last - first) // every + 1
    if frames >= INPUT + HORIZON:
        return INPUT, HORIZON
    given = frames // 3 or 1
    return given, frames - given


def _literal(value: float) -> str:
    """Return a number as Python reads it back: 2 for 2.0, and every digit of 0.08."""
    return repr(value).removesuffix(".0")
