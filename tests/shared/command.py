"""The command line as a user runs it: a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path


def phigen(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    strictly = ["-W", "error", "-W", "ignore:Use 'content=<...>':DeprecationWarning"]  # of the Hub's client
    command = [sys.executable, *strictly, "-m", "phigen", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300, check=False)


def succeeds(*arguments: object, cwd: Path | None = None) -> str:
    done = phigen(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port
