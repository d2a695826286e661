"""The command line as a user runs it: a process of its own, or faster, in the process of the tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path

from click.testing import CliRunner, Result

from phigen.cli import main


def phigen(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `phigen` in a process of its own, where every warning is an error."""
    strictly = ["-W", "error", "-W", "ignore:Use 'content=<...>':DeprecationWarning"]  # of the Hub's client
    command = [sys.executable, *strictly, "-m", "phigen", *map(str, arguments)]
    environment = os.environ | dict(env or {})
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=300, check=False)


def succeeds(*arguments: object, cwd: Path | None = None) -> str:
    """Run `phigen` in a process of its own and return what it prints."""
    done = phigen(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_here(*arguments: object, cwd: Path | None = None) -> Result:
    """Run `phigen` in this process: the same output and exit status, without the start of an interpreter."""
    with chdir(cwd if cwd is not None else Path.cwd()):
        return CliRunner().invoke(main, list(map(str, arguments)), prog_name="phigen")


def succeeds_here(*arguments: object, cwd: Path | None = None) -> str:
    """Run `phigen` in this process and return what it prints."""
    done = run_here(*arguments, cwd=cwd)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port
