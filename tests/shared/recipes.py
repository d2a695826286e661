"""Recipes that tests share, as text."""

from __future__ import annotations

SMALL = """\
name: small
version: 1.0.0
grid: {cells: 16}
time: {steps: 6, frames: {first: 1}, dt_velocity: 0.5}
scene:
  inflows: [{center: [8, 3], radius: 2}]
  buoyancy: {strength: 0.1}
symmetry:
  group: C4
  breaking: {offsets: [0, 0.01, 0.02, 0.03], levels: [0, 1]}
"""


WITHOUT_FLOOR = SMALL.replace("  buoyancy:", "  regions: [{x: [0, 8]}, {x: [8, 16], factor: 2}]\n  buoyancy:").replace(
    "group: C4", "group: C4\n  regions: stay"
)
"""The same in a box whose halves differ: there is no other frame to simulate a floor in, which takes seconds."""

GRADED = SMALL.replace("breaking: {offsets: [0, 0.01, 0.02, 0.03], levels: [0, 1]}", "target_error: [0, 0.01]")
"""The same with target errors in the place of levels."""

TWO_ORBITS = (
    SMALL.replace("symmetry:", "vary: {strength: [0.1, 0.12]}\nsymmetry:") + "splits: {train: [0], test: [1]}\n"
)
"""Two levels of two orbits, one for training and one for tests."""
