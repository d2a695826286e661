"""How phigen uses zarr: how chunks are encoded and decoded, and what zarr says; a user's configuration stays as it is.

zarr's own pipeline hands each step of each chunk to an event loop and threads, which takes longer than the step.  From
zarr 3.4 on there is one that decodes the chunks of a shard one after another, off by default.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from phigen.store import parts

CHUNKS_AT_ONCE = 100
"""How many chunks of a shard zarr encodes or decodes together; its default of one takes up to a quarter longer."""

LONGEST_WAIT = 2.0
"""Seconds that an interrupted command may wait for what zarr has begun to read or write."""

_MODULE, _DEFAULT, _SYNCHRONOUS = "zarr.core.codec_pipeline", "BatchedCodecPipeline", "FusedCodecPipeline"

_LOCK = threading.RLock()

# A child forked while another thread holds the lock could never take it.
os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)


@contextmanager
def fast_pipeline() -> Iterator[None]:
    """Have zarr open arrays with its synchronous pipeline, where this zarr has it.

    An array keeps the pipeline that it was opened with, so reading it later needs no configuration.  zarr's
    configuration is that of the whole process: it is changed by one thread at a time and restored at the end.  A user
    who has chosen a pipeline, such as that of another library, or a batch size keeps it.
    """
    import zarr
    from zarr.core import codec_pipeline

    settings: dict[str, Any] = {}
    with _LOCK:
        if zarr.config.get("codec_pipeline.batch_size") == 1:
            settings["codec_pipeline.batch_size"] = CHUNKS_AT_ONCE
        if zarr.config.get("codec_pipeline.path") == f"{_MODULE}.{_DEFAULT}" and hasattr(codec_pipeline, _SYNCHRONOUS):
            settings["codec_pipeline.path"] = f"{_MODULE}.{_SYNCHRONOUS}"
        with zarr.config.set(settings):
            yield


@contextmanager
def quiet() -> Iterator[None]:
    """Silence zarr's warnings: text and consolidated metadata are not standard yet, and the manifest is not zarr."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=f".*(specification|Consolidated metadata|Object at {parts.FOLDER}).*")
        yield


def await_reads() -> None:
    """Let what zarr reads or writes in its own thread end: stopped with the process, it would print tracebacks."""
    if "zarr" not in sys.modules:
        return
    import asyncio

    from zarr.core.sync import sync

    async def all_done() -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=LONGEST_WAIT)

    sync(all_done())
