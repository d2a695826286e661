"""What planning costs: `phigen plan` from the shell, for recipes of up to a million runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RECIPE = """\
name: many
version: 1.0.0
grid: {{cells: 16}}
time: {{steps: {steps}, frames: {{first: {first}}}}}
scene:
  inflows: [{{center: [8, 5], radius: 2}}]
  buoyancy: {{strength: 0.05, schedule: {{kind: sine, period: 20, amplitude: 0.5}}}}
sample:
  count: {scenes}
  seed: 5
  wall_distance: 0.5
  inflow_x: {{kind: uniform, low: 3, high: 13}}
  inflow_y: {{kind: uniform, low: 3, high: 13}}
  inflow_radius: {{kind: uniform, low: 1, high: 2}}
  strength: {{kind: loguniform, low: 0.01, high: 0.1}}
symmetry: {{group: {group}}}
splits: {{train: 0.8, validation: 0.1, test: 0.1}}
"""

CASES = ((10, "C1", 10), (250_000, "C4", 10), (1_000_000, "C1", 10), (1_000_000, "C1", 100_000))


def planning(cases: Sequence[tuple[int, str, int]] = CASES) -> list[dict[str, Any]]:
    """Time `phigen plan` for recipes of so many scenes, a group and so many steps, and read its peak memory."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "many.yaml"
        for scenes, group, steps in cases:
            file.write_text(RECIPE.format(scenes=scenes, group=group, steps=steps, first=steps - 10))
            began = time.perf_counter()
            process = subprocess.Popen([sys.executable, "-m", "phigen", "plan", file], stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise SystemExit(f"phigen plan has failed with status {process.returncode}")
            rows.append(
                {
                    "sampled scenes": scenes,
                    "group": group,
                    "steps": steps,
                    "s": seconds,
                    "s on the processor": usage.ru_utime + usage.ru_stime,
                    "s, upper limit": 60,
                    "peak memory, MB": usage.ru_maxrss / 1024,
                    "MB, upper limit": 2000,
                }
            )
    return rows
