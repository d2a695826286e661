"""What publishing, downloading and streaming cost, on a loopback Hub: bytes and requests are as with any Hub."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RECIPE = "rotation_eq10"
REPOSITORY = "owner/rotation-eq10"


def hub(recipe: str = RECIPE) -> list[dict[str, Any]]:
    """Publish, publish again, download and stream, in a process whose client finds the loopback Hub."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.hub", recipe], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return [
        {"what": what, "s": float(seconds), "requests": int(requests), "MB sent": float(up), "MB fetched": float(down)}
        for what, seconds, requests, up, down in rows
    ]


def main() -> None:
    """Print one row a measurement: what, seconds, requests, MB up, MB down."""
    from tests.shared.hub.server import HubServer

    server = HubServer()
    server.start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {
            "HF_ENDPOINT": server.endpoint,
            "HF_TOKEN": server.user("owner"),
            "HF_HOME": str(folder / "home"),
        }
        os.environ |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        measure(server, folder, sys.argv[1])


def measure(server: Any, folder: Path, recipe: str) -> None:
    import phigen

    @contextmanager
    def counted(what: str) -> Iterator[None]:
        server.reset()
        began = time.perf_counter()
        yield
        seconds = time.perf_counter() - began
        up = sum(one.bytes_received for one in server.requests if one.method == "PUT" or "/commit/" in one.path)
        down = sum(one.bytes_sent for one in server.requests if one.method == "GET" and "/api/" not in one.path)
        print(what, round(seconds, 3), len(server.requests), up / 1e6, down / 1e6, sep="\t", flush=True)

    def first_batch(dataset: Any) -> Any:
        return next(phigen.batches(dataset, input=10, horizon=20, batch_size=8))

    path = phigen.build(recipe, folder / "built.zarr").path
    with counted("publish, card and pictures included"):
        reference = str(phigen.publish(path, REPOSITORY).reference)
    levels = sorted(set(phigen.open(path)["level"].values.tolist()))
    level = levels[len(levels) // 3]
    with counted("publish again, unchanged"):
        again = phigen.publish(path, REPOSITORY)
    if again.published:
        raise SystemExit("it was published again")
    with counted("stream one batch of one level"):
        streamed = phigen.open(f"hf://datasets/{reference}")
        first_batch(streamed.isel(run=streamed["level"] == level))
    with counted("download one level"):
        part = phigen.download(reference, folder / "level", levels=[level]).path
    with counted("open it, and read one batch"):
        first_batch(phigen.open(part))
    with counted("download all levels"):
        phigen.download(reference, folder / "whole")
    with counted("download again, unchanged"):
        phigen.download(reference, folder / "whole")


if __name__ == "__main__":
    main()
