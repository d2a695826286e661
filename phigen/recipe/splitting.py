"""Splits that do not leak: which runs and which frames are for training, for validation and for tests."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from phigen.recipe.splits import FrameSplits, Splits
from phigen.recipe.values import Range, exact, spelled_out

NAMES = ("train", "validation", "test")

Ends = tuple[int, int]
"""First and last frame, inclusive."""


def members(splits: Splits, count: int) -> dict[int, str]:
    """Give the split of each orbit or run.

    Parameters
    ----------
    splits : Splits
        Fractions are dealt out in an order that its seed shuffles; lists say which.
    count : int
        How many orbits there are, or runs of a level.

    Returns
    -------
    dict
        Split by number, from 0; everything is for training if nothing is split.

    Raises
    ------
    ValueError
        If fractions and lists are mixed, fractions do not add up to 1, nothing is for training, a split is empty, or a
        number is in two splits, in none, or not there.
    """
    chosen, shares = _parts(splits)
    if not chosen:
        return dict.fromkeys(range(count), "train")
    if "train" not in chosen:
        raise ValueError(f"no {splits.by}s are for training; give train some, or leave splits out")
    return _dealt(shares, count, splits) if shares else _listed(chosen, count, splits.by)


def _parts(splits: Splits | FrameSplits) -> tuple[dict[str, Any], dict[str, float]]:
    """Give what each split is said to hold, and those of them that are fractions: all or none."""
    chosen = {name: part for name in NAMES if (part := getattr(splits, name)) is not None}
    shares = {name: part for name, part in chosen.items() if isinstance(part, float)}
    if shares and len(shares) < len(chosen):
        raise ValueError("fractions and lists cannot be mixed; write all splits as one or the other")
    return chosen, shares


def _dealt(shares: Mapping[str, float], count: int, splits: Splits) -> dict[int, str]:
    sizes = _sizes(shares, count, f"{splits.by}s")
    order = np.random.Generator(np.random.PCG64(splits.seed)).permutation(count).tolist()
    names = [name for name, size in sizes.items() for _ in range(size)]
    return dict(sorted(zip(order, names, strict=True)))


def _sizes(shares: Mapping[str, float], count: int, what: str) -> dict[str, int]:
    """Give how many each split gets: the whole part of its share, and what is left to the largest remainders."""
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
            raise ValueError(
                f"{name} is empty, {shares[name]:g} of {count} {what} is none; make it larger or leave it out"
            )
    return sizes


def _listed(chosen: Mapping[str, Iterable[float] | Range], count: int, what: str) -> dict[int, str]:
    homes: dict[int, str] = {}
    for name, part in chosen.items():
        for number in spelled_out(part if isinstance(part, Range) else tuple(part)):
            if number != int(number) or not 0 <= number < count:
                raise ValueError(f"there is no {what} {float(number):g}, the recipe has {count}, from 0; leave it out")
            if int(number) in homes:
                raise ValueError(f"{what} {int(number)} is in {homes[int(number)]} already; leave one out")
            homes[int(number)] = name
    missing = [number for number in range(count) if number not in homes]
    if missing:
        rest = f", nor are {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ValueError(f"{what} {missing[0]} is in no split{rest}; add it to one")
    return dict(sorted(homes.items()))


def stretches(splits: FrameSplits | None, kept: range) -> dict[str, Ends]:
    """Give the frames of each split, first and last.

    Parameters
    ----------
    splits : FrameSplits or None
        Fractions are of the kept frames, in the order train, validation, test, with a window between; lists say
        which.
    kept : range
        The frames that are kept.

    Returns
    -------
    dict
        First and last kept frame by split; empty if frames are not split.

    Raises
    ------
    ValueError
        If no frames are for training, a split holds no window or is outside the kept frames, or two splits overlap
        or have less than a window between.
    """
    if splits is None:
        return {}
    chosen, shares = _parts(splits)
    if "train" not in chosen:
        raise ValueError("no frames are for training; give train some, or leave frames out")
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
            f"{len(kept)} kept frames are too few for {len(shares)} splits with {window} frames between; "
            "keep more, or take a smaller window"
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
                f"{name} has {frames} frames, fewer than a window of {window}; give it more, or take a smaller window"
            )


def _refuse_narrow_gaps(ends: Mapping[str, Ends], kept: range, window: int) -> None:
    in_order = sorted(ends.items(), key=lambda item: item[1])
    for (one, (_, last)), (other, (first, _)) in pairwise(in_order):
        if first <= last:
            raise ValueError(
                f"{one} and {other} overlap, got {one} to {last} and {other} from {first}; move one of them"
            )
        between = kept.index(first) - kept.index(last) - 1
        if between < window:
            raise ValueError(
                f"{one} and {other} have {between} frames between, got a window of {window}; a window of one could "
                "reach into the other: move them apart"
            )
