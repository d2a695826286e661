"""Windows as tests want them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from phigen.training.windows import Windows


def windows_of(dataset: xr.Dataset | Path, **changed: Any) -> Windows:
    """Return windows of 3 + 2 frames of velocity as stored, with what a test changes."""
    chosen: dict[str, Any] = {
        "input": 3,
        "horizon": 2,
        "split": "train",
        "normalise": False,
        "variables": ("velocity",),
        "augment": None,
    }
    return Windows.of(dataset, **(chosen | changed))


def read(windows: Windows, index: int, element: int = 0) -> np.ndarray:
    """Read one window, acted on by one of the elements."""
    return windows.read([index], [element])[0]
