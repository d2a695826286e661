"""Batches hold every window once, the same for the same seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import phigen
from phigen.errors import WindowError
from phigen.training.channels import Field
from tests.shared.windows import read, windows_of


def together(batches: Any) -> np.ndarray:
    return np.concatenate([np.concatenate(batch, axis=1) for batch in batches])


def test_batches_hold_every_window_once(dataset: xr.Dataset) -> None:
    windows = windows_of(dataset, normalise=True)
    every = np.stack([read(windows, index) for index in range(len(windows))])
    in_order = list(phigen.batches(dataset, input=3, horizon=2, batch_size=50, shuffle=False))
    assert [len(inputs) for inputs, _ in in_order] == [50] * 9 + [46]
    assert {(x.shape[1:], y.shape[1:], x.dtype, y.dtype) for x, y in in_order} == {
        ((3, 2, 16, 16), (2, 2, 16, 16), np.dtype(np.float32), np.dtype(np.float32))
    }
    np.testing.assert_array_equal(together(in_order), every)
    shuffled = together(phigen.batches(dataset, input=3, horizon=2))
    assert not np.array_equal(shuffled, every)
    assert sorted(window.tobytes() for window in shuffled) == sorted(window.tobytes() for window in every)


def test_one_seed_gives_the_same_batches_and_another_others(built: Path, dataset: xr.Dataset) -> None:
    def of(source: Any, seed: int) -> np.ndarray:
        return together(phigen.batches(source, input=3, horizon=2, seed=seed, augment="C4"))

    np.testing.assert_array_equal(of(dataset, 1), of(str(built), 1))
    assert not np.array_equal(of(dataset, 1), of(dataset, 2))


def test_augmented_batches_are_windows_acted_on_by_every_element(noise: xr.Dataset) -> None:
    windows = windows_of(noise, normalise=True, augment="D4")
    turned = [{read(windows, index, g).tobytes(): g for g in range(8)} for index in range(len(windows))]
    batches = phigen.batches(noise, input=3, horizon=2, augment="D4", shuffle=False)
    drawn = [turned[index][window.tobytes()] for index, window in enumerate(together(batches))]
    assert set(drawn) == set(range(8))


def test_batches_for_jax_are_its_arrays_of_the_same_values(dataset: xr.Dataset) -> None:
    import jax

    ours, theirs = (phigen.batches(dataset, input=3, horizon=2, framework=kind) for kind in ("numpy", "jax"))
    for one, other in zip(ours, theirs, strict=True):
        assert all(isinstance(part, jax.Array) for part in other)
        np.testing.assert_array_equal(np.concatenate(one, axis=1), np.concatenate(other, axis=1))


def test_what_is_refused_is_refused_before_the_first_batch(dataset: xr.Dataset) -> None:
    with pytest.raises(WindowError, match="the longest stretch of train"):
        phigen.batches(dataset, horizon=26)


def test_misuse_of_batches_is_an_error_of_pythons(dataset: xr.Dataset) -> None:
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        phigen.batches(dataset, input=3, horizon=2, batch_size=0)
    with pytest.raises(ValueError, match="framework must be numpy or jax, got torch"):
        phigen.batches(dataset, input=3, horizon=2, framework="torch")  # type: ignore[arg-type]


@pytest.mark.parametrize("kept", [{"cache": "1 GB"}, {"in_memory": True}])
def test_batches_from_memory_hold_the_same_values(dataset: xr.Dataset, kept: dict[str, Any]) -> None:
    def of(**how: Any) -> np.ndarray:
        return together(phigen.batches(dataset, input=3, horizon=2, augment="C4", seed=5, **how))

    np.testing.assert_array_equal(of(**kept), of())


def test_the_second_epoch_of_a_cached_dataset_reads_nothing(
    dataset: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def epoch(seed: int) -> np.ndarray:
        return together(phigen.batches(dataset, input=3, horizon=2, cache="1 GB", seed=seed))

    first = epoch(0)
    monkeypatch.delattr(Field, "read")
    assert sorted(window.tobytes() for window in epoch(1)) == sorted(window.tobytes() for window in first)
