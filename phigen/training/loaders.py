"""Windows of a dataset in batches, as arrays of numpy or jax."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from phigen.symmetry.point_groups import GroupName
from phigen.training.windows import Windows

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

Batch = tuple["NDArray[np.float32]", "NDArray[np.float32]"]


def batches(
    dataset: xr.Dataset | str | Path,
    *,
    input: int = 10,
    horizon: int = 20,
    split: str | None = "train",
    batch_size: int = 32,
    normalise: bool = True,
    variables: Sequence[str] = ("velocity",),
    augment: GroupName | None = None,
    shuffle: bool = True,
    seed: int = 0,
    cache: str | int | None = None,
    in_memory: bool = False,
    framework: Literal["numpy", "jax"] = "numpy",
) -> Iterator[Batch]:
    """Return an iterator over the windows of a dataset in batches, each window once; needs no torch.

    Parameters
    ----------
    dataset : Dataset, str or Path
        As opened by `phigen.open`, or a selection of its runs, frames or cells; or its path or hf:// address.
    input, horizon : int
        Number of input frames, and of target frames that follow them.
    split : str or None
        ``train``, ``validation`` or ``test``: its runs, and where frames are split, its frames.  None takes all.
    batch_size : int
        Windows per batch; the last batch may have fewer.
    normalise : bool
        Normalise by the statistics of the training part, so that it commutes with the group, see
        `phigen.training.channels`.
    variables : sequence of str
        Fields in cell centres, which become channels in this order; a vector becomes two, x and y.  All others
        transform as scalars.  That is wrong for a pseudoscalar such as vorticity, whose sign a reflection changes.
    augment : str, optional
        A point group, such as ``C4`` or ``D4``: a random element of it acts on each window.
    shuffle : bool
        Return windows in random order.
    seed : int
        Seed of the random order and elements: the same seed gives the same batches.  Use another for each epoch.
    cache : str or int, optional
        How much memory decoded runs may take, such as ``1 GB``: those that were read last are kept, for all windows of
        this dataset in this process, so open it once for all epochs.  Pays where most runs fit.
    in_memory : bool
        Load all chosen runs now and read nothing from disk afterwards.
    framework : str
        Type of the arrays: ``numpy`` or ``jax``.

    Returns
    -------
    iterator of (inputs, targets)
        Arrays (batch, time, channel, y, x), float32, with `input` and `horizon` frames.

    Raises
    ------
    WindowError
        If the dataset does not have the split, a variable, its statistics, or any window, or `cache` is no size or
        less than a run takes.
    """
    windows = Windows.of(
        dataset,
        input=input,
        horizon=horizon,
        split=split,
        normalise=normalise,
        variables=variables,
        augment=augment,
        cache=cache,
        in_memory=in_memory,
    )
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    if framework not in ("numpy", "jax"):
        raise ValueError(f"framework must be numpy or jax, got {framework}")
    in_numpy = _batches(windows, batch_size, np.random.default_rng(seed), shuffle=shuffle)
    return in_numpy if framework == "numpy" else map(_in_jax, in_numpy)


def _batches(windows: Windows, size: int, rng: np.random.Generator, *, shuffle: bool) -> Iterator[Batch]:
    order = rng.permutation(len(windows)) if shuffle else np.arange(len(windows))
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        elements = rng.integers(len(windows.elements), size=len(chosen))
        batch = np.stack(windows.read(chosen.tolist(), elements.tolist()))
        yield batch[:, : windows.input], batch[:, windows.input :]


def _in_jax(batch: Batch) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(batch[0]), jnp.asarray(batch[1])
