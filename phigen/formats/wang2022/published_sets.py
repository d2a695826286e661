"""The published sets of Wang et al. (2022): which file is which run.  The files hold only velocities."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from phigen.errors import FormatError
from phigen.formats.wang2022.archives import Member
from phigen.symmetry.element import Box, GroupElement, Point
from phigen.symmetry.point_groups import ELEMENTS, POINT_GROUPS
from phigen.symmetry.scaling import Scale
from phigen.symmetry.translation import Shift

CELLS = 64
RADIUS = 5.0
RATE = 1.0
BOX = Box((CELLS, CELLS))
_UPWARD: Point = (32.0, 5.0)
_ROTATIONS = [ELEMENTS[name] for name in POINT_GROUPS["C4"]]
_FIRST_SHIFT = (8, 5)

_TESTED: dict[str, set[tuple[int, ...]]] = {
    "translation": {(32, 20), (32, 5), (24, 20), (16, 25), (24, 5), (16, 10), (40, 20), (8, 25), (24, 25), (40, 10)},
    "rotation": {(6, 1), (14, 1), (15, 2), (10, 1), (18, 1), (20, 3), (24, 3), (13, 0), (21, 0), (5, 0)},
    "scaling": {(5,), (30,), (16,), (23,), (33,), (6,), (17,), (22,), (21,), (32,)},
}
"""The runs that the authors' run_model.py never trains on."""


@dataclass(frozen=True)
class Original:
    """The published parameters of one run."""

    level: float
    orbit: int
    element: GroupElement
    strength: float
    inflow: Point
    split: str = "train"


@dataclass(frozen=True)
class Published:
    """One of the published sets.

    Parameters
    ----------
    name : str
        Name of the imported dataset.
    description : str
        One sentence.
    pattern : str
        Regular expression of its files' paths; its groups are the numbers that identify a run.
    group : str
        Symmetry group.
    reference_frame : str
        ``orbit`` if the runs were rotated after the simulation, ``lab`` if each was simulated in its own position.
    first_frame : int
        Number of the first frame in a file.
    dt_velocity : float
        Advection time per step of the velocity; that of the smoke is 1.
    run : callable
        Returns the parameters of the run that the numbers of a file identify.
    """

    name: str
    description: str
    pattern: str
    group: str
    reference_frame: str
    first_frame: int
    dt_velocity: float
    run: Callable[..., Original]


def _graded(level: int, quarters: int) -> Original:
    strength = Decimal("0.01") + Decimal("0.005") * level * quarters
    g = _ROTATIONS[quarters]
    return Original(float(level), 0, g, float(strength), g.on_point(_UPWARD, BOX))


def _rotated(number: int, quarters: int) -> Original:
    g, step = _ROTATIONS[quarters], Decimal("0.011" if quarters == 2 else "0.01")
    split = _split("rotation", (number, quarters))
    return Original(0.0, (number - 1) // 4, g, float(step * number), g.on_point(_UPWARD, BOX), split)


def _shifted(x: int, y: int) -> Original:
    g = Shift(float(x - _FIRST_SHIFT[0]), float(y - _FIRST_SHIFT[1]))
    return Original(0.0, 0, g, 0.1, (float(x), float(y)), _split("translation", (x, y)))


def _scaled(number: int) -> Original:
    g = Scale(float(1 + Decimal("0.1") * number), "resampled")
    return Original(0.0, 0, g, 0.1, _UPWARD, _split("scaling", (number,)))


def _split(name: str, key: tuple[int, ...]) -> str:
    return "test" if key in _TESTED[name] else "train"


SETS = (
    Published(
        "wang2022_equivariance_test",
        "The ten graded datasets of Wang et al. (2022), Figure 4, as published: a plume and its rotations by 90, 180 "
        "and 270 degrees, whose buoyancies differ by 0.005 times the level from one file to the next.",
        r"E_(\d{1,4})/(?:raw_)?data_([0-3])\.pt",
        "C4",
        "orbit",
        10,
        0.5,
        _graded,
    ),
    Published(
        "wang2022_rotation",
        "The rotation dataset of Wang et al. (2022), as published: plumes in four directions, all of different "
        "strength.",
        r"Rotation/raw_data_([1-9]\d{0,4})_([0-3])\.pt",
        "C4",
        "lab",
        1,
        1.0,
        _rotated,
    ),
    Published(
        "wang2022_translation",
        "The translation dataset of Wang et al. (2022), as published: a plume at 7 x 5 positions; right of x = 32 its "
        "buoyancy is twice as strong.",
        r"Translation/raw_data_(\d{1,4})_(\d{1,4})\.pt",
        "translation",
        "lab",
        0,
        0.5,
        _shifted,
    ),
    Published(
        "wang2022_scaling",
        "The scaling dataset of Wang et al. (2022), as published: a plume at 1 + 0.1 i times its size, each frame "
        "resampled to 64 x 64 and divided by that factor.",
        r"Scale/raw_data_(\d{1,4})\.pt",
        "scaling",
        "lab",
        1,
        0.5,
        _scaled,
    ),
)


def sets_in(files: Iterable[Member]) -> dict[Published, dict[tuple[int, ...], Member]]:
    """Sort files into the published sets, by the numbers that identify their runs.

    Raises
    ------
    FormatError
        If two files are the same run, or a level of the graded sets lacks a file.
    """
    found: dict[Published, dict[tuple[int, ...], Member]] = {}
    for file in files:
        for published in SETS:
            match = re.search(rf"(?:^|/){published.pattern}$", file.name)
            if match is None:
                continue
            runs = found.setdefault(published, {})
            key = tuple(map(int, match.groups()))
            if key in runs:
                raise FormatError(f"{file}: is the same run as {runs[key]}; keep one of them")
            runs[key] = file
    for published, runs in found.items():
        if published.reference_frame == "orbit":
            _refuse_incomplete(runs)
    return {published: dict(sorted(found[published].items())) for published in SETS if published in found}


def _refuse_incomplete(runs: Mapping[tuple[int, ...], Member]) -> None:
    for level in {level for level, _ in runs}:
        lacking = [quarters for quarters in range(4) if (level, quarters) not in runs]
        if lacking:
            some = next(file for key, file in runs.items() if key[0] == level)
            raise FormatError(
                f"{some}: is one of four runs, raw_data_{lacking[0]}.pt is missing beside it; download the set again"
            )
