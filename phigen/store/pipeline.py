"""How zarr encodes and decodes the chunks of phigen's arrays; a user's configuration of zarr stays as it is.

zarr's own pipeline hands each step of each chunk to an event loop and threads, which takes longer than the step.  From
zarr 3.4 on there is one that decodes the chunks of a shard one after another, off by default.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CHUNKS_AT_ONCE = 100
"""How many chunks of a shard zarr encodes or decodes together; its default of one takes up to a quarter longer."""

_MODULE, _DEFAULT, _SYNCHRONOUS = "zarr.core.codec_pipeline", "BatchedCodecPipeline", "FusedCodecPipeline"

_LOCK = threading.RLock()

# A child forked while another thread holds the lock could never take it.
os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)


@contextmanager
def fast_pipeline() -> Iterator[None]:
    """Have zarr open arrays with its synchronous pipeline, where this zarr has it.

    An array keeps the pipeline that it was opened with, so reading it later needs no configuration.  zarr's
    configuration is that of the whole process: it is changed by one thread at a time and restored at the end.  A user
    who has chosen a pipeline, such as that of another library, keeps it.
    """
    import zarr
    from zarr.core import codec_pipeline

    settings: dict[str, Any] = {"codec_pipeline.batch_size": CHUNKS_AT_ONCE}
    with _LOCK:
        if zarr.config.get("codec_pipeline.path") == f"{_MODULE}.{_DEFAULT}" and hasattr(codec_pipeline, _SYNCHRONOUS):
            settings["codec_pipeline.path"] = f"{_MODULE}.{_SYNCHRONOUS}"
        with zarr.config.set(settings):
            yield
