"""Every benchmark runs at its smallest size, as `make bench` runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS

ROOT = Path(__file__).parent.parent
NEED_TORCH = {"loading"}


def measured(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.torch] if name in NEED_TORCH else []) for name in BENCHMARKS]
)
def test_every_benchmark_runs_at_its_smallest_size(name: str) -> None:
    done = measured("--smallest", name)
    assert done.returncode == 0, done.stderr
    header, rule, *rows = done.stdout.split("\n\n")[1].strip().splitlines()
    assert header.strip()
    assert set(rule) <= {"-", " "}
    assert rows
    assert all(re.search(r"\d", row) for row in rows)


def test_an_unknown_benchmark_is_a_usage_mistake_that_lists_those_there_are() -> None:
    done = measured("stepps")
    assert done.returncode == 2
    assert "no benchmark of the name stepps; there are startup, planning, steps, " in done.stderr


def test_a_benchmark_loads_only_what_it_needs() -> None:
    code = "import sys, benchmarks.__main__; print(sorted({'torch', 'jax', 'phigen'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
