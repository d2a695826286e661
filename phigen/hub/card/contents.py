"""Sections of a card that say what a dataset is: its question, what it holds, its splits, its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from phigen.hub.card.markdown import number, plain, size, table

if TYPE_CHECKING:
    import xarray as xr

MOST_NAMED = 8
"""So many levels or elements are named one by one."""


def opening(facts: Mapping[str, Any], version: str) -> str:
    """Give the title, the question that the dataset answers, and its picture."""
    made = "Made by phigen" if facts.get("recipe_sha256") else "Brought into phigen's format from elsewhere"
    picture = "![An orbit's runs, the same taken back to one frame, and every level's error over time](preview.png)"
    parts = [
        f"# {plain(facts['name'])}",
        plain(facts["description"]),
        picture,
        f"{made}: two-dimensional smoke plumes, and how far they are from symmetric. Version {version}.",
    ]
    return "\n\n".join(part for part in parts if part)


def holds(facts: Mapping[str, Any], files: int, count: int) -> str:
    """Give the numbers of a dataset and its variables."""
    first, last = facts["frames"]
    kept = facts["variables"][0]["shape"][1]
    distinct = facts["distinct_simulations"]
    rows = [
        ("runs", f"{facts['runs']:,}" + (f", made from {distinct:,} simulations" if distinct else "")),
        ("symmetry group", f"{facts['group']}, of {_named(facts['elements'])}"),
        ("levels of symmetry breaking", _named([number(level) for level in facts["levels"]])),
        ("orbits in a level", f"{facts['orbits']:,}"),
        ("frames of a run", f"{kept:,}, from step {first} to step {last}"),
        ("cells", " x ".join(map(str, facts["cells"]))),
        ("boundaries left, right, lower, upper", ", ".join(facts["boundaries"])),
        ("on disk", f"{size(count)} in {files:,} files beside this card"),
    ]
    numbers = table(("what", "here"), ((what, plain(here)) for what, here in rows))
    variables = table(("variable", "dims", "shape", "dtype", "units"), map(_variable, facts["variables"]))
    return (
        f"{numbers}\n\n{variables}\n\n`store.zarr` holds them, and on the dim `run` what each run is: level, orbit, "
        "group element, strength, split and where its inflows are. `index.parquet` has the same as a table, one row a "
        "run, with the errors measured. Cells have size 1, y points up and row 0 is the bottom; frame k is what step k "
        "leaves; rotations are counter-clockwise."
    )


def _variable(variable: Mapping[str, Any]) -> tuple[str, ...]:
    shape = " x ".join(f"{length:,}" for length in variable["shape"])
    return f"`{variable['name']}`", ", ".join(variable["dims"]), shape, variable["dtype"], variable["units"]


def _named(names: list[str]) -> str:
    """Give how many there are, and which: all of them, or the first and the last."""
    some = names if len(names) <= MOST_NAMED else [*names[:3], "...", names[-1]]
    return f"{len(names):,}: {', '.join(some)}"


def splits(facts: Mapping[str, Any]) -> str:
    """Give how many runs and which frames each split has."""
    frames = facts["split_frames"]
    names = [name for name in ("train", "validation", "test") if name in facts["splits"] or name in frames]
    rows = [
        (name, f"{facts['splits'].get(name, 0):,}", "{} to {}".format(*frames.get(name, facts["frames"])))
        for name in names
    ]
    told = table(("split", "runs", "frames, by step"), rows)
    if not frames and len(names) == 1:
        return f"{told}\n\nNothing is held back."
    if not frames:
        return f"{told}\n\nRuns are split, frames are not. The coordinate `split` of `run` says which is which."
    return (
        f"{told}\n\nThe coordinate `split` of `run` says which run is which, the attributes `frames_train` and so on "
        "which frames are: a gap between them keeps every window in one split."
    )


def limitations(facts: Mapping[str, Any], errors: xr.Dataset | None) -> str:
    """Give what the dataset is not, as its own facts say."""
    return "\n".join(f"- {limit}" for limit in (*_of_the_flow(facts), *_of_the_runs(facts, errors)))


def _of_the_flow(facts: Mapping[str, Any]) -> Iterator[str]:
    cells = " x ".join(map(str, facts["cells"]))
    yield "The flow is two-dimensional; lengths are in cells and times in steps, not in metres and seconds."
    yield (
        f"The grid has {cells} cells, and no viscosity is modelled: what smooths the flow is the scheme's own error, "
        "so that a finer grid would give another flow."
    )
    boundaries = ", ".join(dict.fromkeys(facts["boundaries"]))
    yield f"Its boundaries are {boundaries}; it says nothing of flows in other boxes."
    courant = facts["largest_courant"]
    if courant is not None and courant > 1:
        yield (
            f"Steps are long: the largest Courant number is {courant:.3g}. Advection along characteristics is stable "
            "there, but blurs what is small."
        )
    yield "Fields are stored as float32, which has about seven digits, whatever they were computed in."


def _of_the_runs(facts: Mapping[str, Any], errors: xr.Dataset | None) -> Iterator[str]:
    runs, distinct = facts["runs"], facts["distinct_simulations"]
    if facts["orbits"] == 1:
        yield "All runs of a level come from one scene, and what is learnt from them may hold for no other."
    if facts["orbits"] == 1 and len(facts["splits"]) > 1:
        yield "So its splits hold kin: a run for testing is a run for training seen from elsewhere, or nearly."
    if distinct is not None and distinct < runs:
        yield (
            f"Its {runs:,} runs are {distinct:,} different flows: the others are these again, moved by a group element."
        )
    if errors is not None and bool((errors["mae"] > 0).any()):
        yield (
            "The flow is chaotic: runs that differ a little part until they are as far apart as any two. Errors of "
            "late frames and high levels saturate, and do not measure how strongly the symmetry was broken."
        )
    if facts["reference_frame"] == "lab":
        yield "Each run was simulated where it stands, so that rounding breaks its symmetry too."
    if facts.get("recipe_sha256"):
        yield "Other versions of what computed it, or another processor, may give other bits; chaos shows them late."
