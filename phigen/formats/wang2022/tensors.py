"""Files of one torch tensor: written, and read without running any code in them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phigen.errors import FormatError

MOST_BYTES = 64_000_000
"""Largest file that is read, and largest tensor; a published run has 10 MB."""


def save(values: NDArray[Any], file: Path) -> None:
    """Write an array as a tensor of the same shape and dtype."""
    torch = need_torch()
    buffer = io.BytesIO()
    torch.save(torch.from_numpy(np.array(values, order="C")), buffer)
    file.write_bytes(buffer.getbuffer())


def load(data: bytes, where: str) -> NDArray[np.float32]:
    """Load one tensor; a pickle that would run code is refused before any of it runs.

    Parameters
    ----------
    data : bytes
        Content of the file.
    where : str
        Name of the file in error messages.

    Returns
    -------
    ndarray
        Of the tensor's shape, float32.

    Raises
    ------
    FormatError
        If the file is not one plain tensor of finite float32.
    """
    torch = need_torch()
    try:
        _refuse_inflated(data)
        tensor = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # a file from elsewhere can fail in any way
        raise FormatError(
            f"{where}: is not a plain torch tensor, got {type(error).__name__}; remove it from the source"
        ) from error
    if type(tensor) is not torch.Tensor or tensor.layout != torch.strided:
        raise FormatError(
            f"{where}: is not a plain torch tensor, got {type(tensor).__name__}; remove it from the source"
        )
    if tensor.dtype != torch.float32 or tensor.numel() * 4 > MOST_BYTES:
        raise FormatError(
            f"{where}: is not a run of the published sets, got {tensor.dtype}, shape {tuple(tensor.shape)}; remove it "
            "from the source"
        )
    values: NDArray[np.float32] = tensor.detach().numpy()
    if not np.isfinite(values).all():
        raise FormatError(f"{where}: holds values that are not finite; remove it from the source")
    return values


def _refuse_inflated(data: bytes) -> None:
    """Refuse a file that unpacks to more than any run has; torch's files are zip files themselves."""
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MOST_BYTES:
                raise ValueError(f"unpacks to more than {MOST_BYTES} bytes")


def need_torch() -> ModuleType:
    """Return the module torch.

    Raises
    ------
    FormatError
        If it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise FormatError("the format wang2022 needs torch, which is not installed; pip install torch") from error
    return torch
