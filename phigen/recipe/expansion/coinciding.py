"""Which of many scenes may contradict a claim: a quick test of all of them, before the exact test of a few.

Each test compares in floating point with room for rounding.  A scene that it passes over fulfils the claim; of the
others the exact test decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from phigen.recipe.expansion.moving import Discs, moved_discs
from phigen.symmetry.element import Box, GroupElement

_ROOM = 1e-6
"""In cells: far more than rounding, and than the nine decimals that positions are compared with."""

_WEIGHTS = (1.0, 0.6180339887, 0.4142135624, 0.7320508076)
"""Of the four numbers that stand for a set of inflows: ratios that no grid of positions has."""


def may_coincide(discs: Discs, elements: Sequence[GroupElement], box: Box) -> NDArray[np.bool_]:
    """Return which scenes two elements may put in the same place, (scene,).

    Equal sets of inflows have equal extents, so only scenes are suspected whose extents nearly agree.
    """
    if not all(g.moves_within_box for g in elements):
        return np.ones(len(discs), bool)
    extents = np.empty((len(discs), len(elements)))
    for place, g in enumerate(elements):
        extents[:, place] = _extent(moved_discs(discs, g, box), box)
    extents.sort(axis=-1)
    nearest: NDArray[np.float64] = np.diff(extents, axis=-1).min(-1, initial=np.inf)
    return nearest < 4 * _ROOM


def _extent(discs: Discs, box: Box) -> NDArray[np.float64]:
    """Return one number for the smallest and largest x and y of each scene's inflows, (scene,)."""
    total = np.zeros(len(discs))
    for axis, (n, wraps) in enumerate(zip(box.cells, box.periodic, strict=True)):
        p = discs[..., axis]
        p = np.where(p > n - _ROOM, p - n, p) if wraps else p
        total += _WEIGHTS[2 * axis] * p.min(-1) + _WEIGHTS[2 * axis + 1] * p.max(-1)
    return total


def may_be_outside(discs: Discs, cells: tuple[int, int], periodic: tuple[bool, bool]) -> NDArray[np.bool_]:
    """Return which inflows may be outside the box or cover no cell centre, without the last axis."""
    gaps, outside = [], np.zeros(discs.shape[:-1], bool)
    for axis, (n, wraps) in enumerate(zip(cells, periodic, strict=True)):
        p = discs[..., axis]
        gaps.append(p - (np.minimum(np.floor(p), n - 1) + 0.5))
        if not wraps:
            outside |= (p < 0) | (p > n)
    suspect: NDArray[np.bool_] = outside | (np.hypot(*gaps) > discs[..., 2] - _ROOM)
    return suspect
