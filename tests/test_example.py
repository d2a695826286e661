"""The example runs as it is, against a loopback Hub; `make example` trains for a minute."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
@pytest.mark.torch
def test_the_example_goes_from_a_recipe_to_a_model_whose_error_is_known(tmp_path: Path) -> None:
    example = [sys.executable, str(ROOT / "examples" / "train.py"), "owner/example", "--seconds", "5"]
    command = [sys.executable, "-m", "tests.shared.hub.server", *example]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=300
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout
    assert re.search(r"built 12 runs\npublished owner/example@v\d+\.\d+\.\d+, ", printed)
    assert re.search(r"downloaded 12 runs, \d+\.\d MB\nopened by plain xarray: \{'run': 12, ", printed)
    squared = float(re.search(r"last squared error (\S+)", printed)[1])
    of_model = float(re.search(r"error of the model, mean absolute: (\S+)", printed)[1])
    of_data = [float(number) for number in re.findall(r"error of the data at level \d: (\S+)", printed)]
    assert squared < 0.5
    assert 0 < of_model < of_data[-1]
    assert of_data[0] == 0
    assert list(tmp_path.iterdir()) == []
