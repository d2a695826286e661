"""How long phigen takes to start, for what needs no simulation."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROUNDS = 11


def startup(rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Time help, import, plan and inspect, each in a new interpreter, in turn."""
    phigen = ["-m", "phigen"]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "rotation_eq3.zarr"
        subprocess.run(
            [sys.executable, *phigen, "build", "rotation_eq3", "--out", store], check=True, capture_output=True
        )
        commands = {
            "python -c pass": (["-c", "pass"], None),
            "phigen --help": ([*phigen, "--help"], 0.15),
            "python -c 'import phigen'": (["-c", "import phigen"], 0.1),
            "phigen plan rotation_eq10": ([*phigen, "plan", "rotation_eq10"], 1.0),
            "phigen inspect rotation_eq3.zarr": ([*phigen, "inspect", str(store)], 1.0),
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, (arguments, _limit) in commands.items():
                began = time.perf_counter()
                subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
                seconds[name].append(time.perf_counter() - began)
    return [
        {
            "started": name,
            "s (median)": statistics.median(seconds[name]),
            "s (least)": min(seconds[name]),
            "s, upper limit": limit if limit is not None else "",
        }
        for name, (_, limit) in commands.items()
    ]
