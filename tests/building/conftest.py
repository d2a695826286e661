"""A dask scheduler that tests of builds share."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared.command import free_port


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """A dask scheduler and one worker, as a user starts them."""
    address = f"tcp://127.0.0.1:{free_port()}"
    host, port = address.removeprefix("tcp://").split(":")
    dask = [sys.executable, "-m", "dask"]
    log = (tmp_path / "dask.log").open("w")
    served = subprocess.Popen([*dask, "scheduler", "--host", host, "--port", port, "--no-dashboard"], stderr=log)
    worker = subprocess.Popen([*dask, "worker", address, "--nthreads", "2", "--no-dashboard"], stderr=log, cwd=tmp_path)
    deadline = time.monotonic() + 60
    while "Starting established connection" not in (tmp_path / "dask.log").read_text():
        assert time.monotonic() < deadline, (tmp_path / "dask.log").read_text()
        time.sleep(0.1)
    yield address
    for process in (worker, served):
        process.terminate()
        process.wait(30)
    log.close()
