"""Arrays are opened with zarr's synchronous pipeline where it exists, and a user's configuration stays."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.core import codec_pipeline

from phigen.store import reading as store
from phigen.store.pipeline import CHUNKS_AT_ONCE, fast_pipeline
from tests.shared.files import files_of

FAST = getattr(codec_pipeline, "FusedCodecPipeline", codec_pipeline.BatchedCodecPipeline)


class Own(codec_pipeline.BatchedCodecPipeline):
    """A pipeline of the user's."""


def configured() -> tuple[str, int]:
    return zarr.config.get("codec_pipeline.path"), zarr.config.get("codec_pipeline.batch_size")


@pytest.fixture
def own() -> Iterator[None]:
    zarr.registry.register_pipeline(Own)
    with zarr.config.set({"codec_pipeline.path": f"{__name__}.Own"}):
        yield


def test_an_array_keeps_the_pipeline_that_it_was_opened_with(eq3: Path) -> None:
    before = configured()
    with fast_pipeline():
        array = zarr.open_array(eq3 / "velocity", mode="r")
    assert configured() == before
    assert type(array.async_array.codec_pipeline) is FAST
    assert array.async_array.codec_pipeline.batch_size == CHUNKS_AT_ONCE
    users = zarr.open_array(eq3 / "velocity", mode="r")
    assert type(users.async_array.codec_pipeline) is codec_pipeline.BatchedCodecPipeline
    np.testing.assert_array_equal(array[1, 3:33], users[1, 3:33])


def test_configuration_is_restored_after_an_error() -> None:
    before = configured()
    with pytest.raises(RuntimeError), fast_pipeline():
        raise RuntimeError
    assert configured() == before


@pytest.mark.usefixtures("own")
def test_a_pipeline_that_the_user_has_chosen_stays(eq3: Path) -> None:
    with fast_pipeline():
        array = zarr.open_array(eq3 / "velocity", mode="r")
    assert type(array.async_array.codec_pipeline) is Own


def test_threads_that_open_datasets_leave_the_configuration_as_it_was(eq3: Path) -> None:
    before, ready = configured(), threading.Barrier(4)

    def opening(_: int) -> float:
        ready.wait()
        return float(store.open(eq3)["velocity"][0, 0, 0, 0, 0])

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(opening, range(4)))) == 1
    assert configured() == before


def test_both_pipelines_write_the_same_bytes(tmp_path: Path) -> None:
    fields = np.random.default_rng(0).normal(size=(2, 35, 2, 16, 16)).astype(np.float32)

    def write(path: Path) -> None:
        array = zarr.create_array(
            path,
            shape=fields.shape,
            dtype="float32",
            chunks=(1, 10, 2, 16, 16),
            shards=(1, 40, 2, 16, 16),
            compressors=[zarr.codecs.BloscCodec(cname="lz4", typesize=4), zarr.codecs.Crc32cCodec()],
        )
        for run, values in enumerate(fields):
            array[run] = values

    write(tmp_path / "default")
    with fast_pipeline():
        write(tmp_path / "fast")
    assert files_of(tmp_path / "default") == files_of(tmp_path / "fast")


@pytest.mark.slow
def test_every_flipped_bit_of_a_shard_is_noticed(tmp_path: Path) -> None:
    fields = np.random.default_rng(0).normal(size=(1, 20, 8, 8)).astype(np.float32)
    with fast_pipeline():
        array = zarr.create_array(
            tmp_path / "a",
            data=fields,
            chunks=(1, 10, 8, 8),
            shards=(1, 20, 8, 8),
            compressors=[zarr.codecs.BloscCodec(cname="lz4", typesize=4), zarr.codecs.Crc32cCodec()],
        )
        array = zarr.open_array(tmp_path / "a", mode="r")
    shard = tmp_path / "a" / "c" / "0" / "0" / "0" / "0"
    bits = shard.read_bytes()
    for place in np.linspace(0, len(bits) - 1, 60).astype(int).tolist():
        flipped = bytearray(bits)
        flipped[place] ^= 1 << place % 8
        shard.write_bytes(flipped)
        with pytest.raises(ValueError, match=r"(?i)checksum"):
            array[:]
