"""Splits that do not leak: which runs and which frames are for training, validation and tests."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator, Field, Tag

from phigen.recipe.values import Count, Index, NonNegative, Range, Section, exact, form, spelled_out

NAMES = ("train", "validation", "test")

Ends = tuple[int, int]
"""First and last frame, inclusive."""

Part = Annotated[
    Annotated[NonNegative, Field(le=1), Tag("scalar")]
    | Annotated[tuple[Index, ...], Field(min_length=1), Tag("list")]
    | Annotated[Range, Tag("mapping")],
    Discriminator(form),
]
Stretch = Annotated[
    Annotated[NonNegative, Field(le=1), Tag("scalar")] | Annotated[tuple[Index, Index], Tag("list")],
    Discriminator(form),
]


class FrameSplits(Section):
    """The frames of each split: [first, last], inclusive, or fractions of the kept frames.

    Between two splits lies a gap of at least one window, so that no window reaches from one into the other.
    """

    train: Stretch | None = Field(default=None, description="Training frames: [first, last], or a fraction.")
    validation: Stretch | None = Field(default=None, description="Validation frames: [first, last], or a fraction.")
    test: Stretch | None = Field(default=None, description="Test frames: [first, last], or a fraction.")
    window: Count = Field(
        default=30, description="Frames of one training window, inputs and outputs together: the gap between splits."
    )


class Splits(Section):
    """The runs of each split: fractions that add up to 1, or numbers from 0, of runs by orbit and then by element.

    Whole orbits unless `by` is run, so that no scene is in two splits.  Without splits all runs are for training.
    """

    by: Literal["orbit", "run"] = Field(
        default="orbit", description="What is split and numbered: whole orbits, or the runs of a level."
    )
    train: Part | None = Field(default=None, description="Training part: a fraction, or the numbers of orbits or runs.")
    validation: Part | None = Field(
        default=None, description="Validation part: a fraction, or the numbers of orbits or runs."
    )
    test: Part | None = Field(default=None, description="Test part: a fraction, or the numbers of orbits or runs.")
    seed: Index = Field(default=0, description="Seed of the order in which fractions are assigned.")
    frames: FrameSplits | None = Field(
        default=None, description="Frames of each split, within every run; all frames if left out."
    )


def members(splits: Splits, count: int) -> NDArray[np.object_]:
    """Return the split of each orbit or run.

    Parameters
    ----------
    splits : Splits
        Fractions are assigned in an order that its seed shuffles; lists name orbits or runs.
    count : int
        Number of orbits, or of the runs of a level.

    Returns
    -------
    (count,) str
        The name of the split of each; ``train`` for all if nothing is split.

    Raises
    ------
    ValueError
        If fractions and lists are mixed, fractions do not add up to 1, train is missing, a split is empty, or a
        number is in two splits, in none, or out of range.
    """
    chosen, shares = _parts(splits)
    if not chosen:
        return np.full(count, "train", object)
    if "train" not in chosen:
        raise ValueError(f"no {splits.by}s are for training; assign some to train, or remove splits")
    return _dealt(shares, count, splits) if shares else _listed(chosen, count, splits.by)


def _parts(splits: Splits | FrameSplits) -> tuple[dict[str, Any], dict[str, float]]:
    """Return what the recipe says of each split, and those of them that are fractions: all or none."""
    chosen = {name: part for name in NAMES if (part := getattr(splits, name)) is not None}
    shares = {name: part for name, part in chosen.items() if isinstance(part, float)}
    if shares and len(shares) < len(chosen):
        raise ValueError("fractions and lists cannot be mixed; use one form for all splits")
    return chosen, shares


def _dealt(shares: Mapping[str, float], count: int, splits: Splits) -> NDArray[np.object_]:
    sizes = _sizes(shares, count, f"{splits.by}s")
    dealt = np.empty(count, object)
    order = np.random.Generator(np.random.PCG64(splits.seed)).permutation(count)
    dealt[order] = np.repeat(np.array(list(sizes), object), list(sizes.values()))
    return dealt


def _sizes(shares: Mapping[str, float], count: int, what: str) -> dict[str, int]:
    """Return the size of each split: the integer part of its share; the largest remainders get what is left."""
    exact_shares = {name: Fraction(exact(share)) for name, share in shares.items()}
    total = sum(exact_shares.values())
    if total != 1:
        raise ValueError(f"fractions must add up to 1, got {float(total):g}; change one of them")
    sizes = {name: math.floor(share * count) for name, share in exact_shares.items()}
    remainders = {name: share * count - sizes[name] for name, share in exact_shares.items()}
    for name in sorted(remainders, key=lambda name: -remainders[name])[: count - sum(sizes.values())]:
        sizes[name] += 1
    for name, size in sizes.items():
        if size == 0:
            raise ValueError(f"{name} is empty, got {shares[name]:g} of {count} {what}; increase it or remove it")
    return sizes


def _listed(chosen: Mapping[str, Iterable[float] | Range], count: int, what: str) -> NDArray[np.object_]:
    homes: dict[int, str] = {}
    for name, part in chosen.items():
        for number in spelled_out(part if isinstance(part, Range) else tuple(part)):
            if number != int(number) or not 0 <= number < count:
                raise ValueError(
                    f"there is no {what} {float(number):g}, the recipe has {count}, numbered from 0; remove it"
                )
            if int(number) in homes:
                raise ValueError(f"{what} {int(number)} is already in {homes[int(number)]}; remove one")
            homes[int(number)] = name
    missing = [number for number in range(count) if number not in homes]
    if missing:
        others = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ValueError(f"not every {what} is in a split, missing {missing[0]}{others}; assign each to one")
    return np.array([homes[number] for number in range(count)], object)


def stretches(splits: FrameSplits | None, kept: range) -> dict[str, Ends]:
    """Return the first and last frame of each split.

    Parameters
    ----------
    splits : FrameSplits or None
        Fractions are of the kept frames, in the order train, validation, test, with a window between two of them;
        lists name the first and last frame.
    kept : range
        The frames that are kept.

    Returns
    -------
    dict
        First and last kept frame by split; empty if frames are not split.

    Raises
    ------
    ValueError
        If no frames are for training, a split is shorter than a window or outside the kept frames, or two splits
        overlap or are less than a window apart.
    """
    if splits is None:
        return {}
    chosen, shares = _parts(splits)
    if "train" not in chosen:
        raise ValueError("no frames are for training; assign some to train, or remove frames")
    if shares:
        ends = _in_turn(shares, kept, splits.window)
    else:
        ends = {name: (int(first), int(last)) for name, (first, last) in chosen.items()}
        _refuse_other_frames(ends, kept)
        _refuse_narrow_gaps(ends, kept, splits.window)
    _refuse_short_stretches(ends, kept, splits.window)
    return ends


def _in_turn(shares: Mapping[str, float], kept: range, window: int) -> dict[str, Ends]:
    usable = len(kept) - window * (len(shares) - 1)
    if usable < len(shares):
        raise ValueError(
            f"{len(kept)} kept frames are too few for {len(shares)} splits with {window} frames between them; "
            "keep more frames, or choose a smaller window"
        )
    ends, start = {}, 0
    for name, size in _sizes(shares, usable, "frames").items():
        ends[name] = (kept[start], kept[start + size - 1])
        start += size + window
    return ends


def _refuse_other_frames(ends: Mapping[str, Ends], kept: range) -> None:
    for name, (first, last) in ends.items():
        if first not in kept or last not in kept or last < first:
            every = f", every {kept.step}" if kept.step > 1 else ""
            raise ValueError(
                f"{name} must be [first, last] of the kept frames {kept[0]} to {kept[-1]}{every}, got "
                f"[{first}, {last}]; choose two of them"
            )


def _refuse_short_stretches(ends: Mapping[str, Ends], kept: range, window: int) -> None:
    for name, (first, last) in ends.items():
        frames = kept.index(last) - kept.index(first) + 1
        if frames < window:
            raise ValueError(
                f"{name} has {frames} frames, fewer than a window of {window}; lengthen it, or choose a smaller window"
            )


def _refuse_narrow_gaps(ends: Mapping[str, Ends], kept: range, window: int) -> None:
    in_order = sorted(ends.items(), key=lambda item: item[1])
    for (one, (_, last)), (other, (first, _)) in pairwise(in_order):
        if first <= last:
            raise ValueError(
                f"{one} and {other} overlap, got {one} up to {last} and {other} from {first}; move one of them"
            )
        between = kept.index(first) - kept.index(last) - 1
        if between < window:
            raise ValueError(
                f"{one} and {other} have {between} frames between them, got a window of {window}; move them apart, so "
                "that no window reaches from one into the other"
            )
