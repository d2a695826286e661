"""Traced programs, kept for the processes that come: tracing needs PhiFlow, whose import takes longer than a small run.

A program is kept under a key that names everything that tracing depends on, with a digest of the key and of its bytes:
of 24 programs with one bit flipped, 12 still ran.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from phigen.atomic import written_whole
from phigen.simulation import cache_folder, instruction_set

_PACKAGES = ("phiflow", "phiml", "jax", "jaxlib", "numpy")

_SOURCES = ("simulation", "planning", "recipe", "symmetry")
"""The folders of phigen that tracing may import from: imports point one way, which import-linter checks."""

_NOT_TRACED = ("jax_compilation_cache", "jax_persistent_cache", "jax_platforms")
"""How settings of jax begin that phigen's own processes set otherwise than a user's, and that tracing does not read."""

_DIGEST = hashlib.sha256().digest_size


def kept_or_traced(program: Any, trace: Callable[[], bytes]) -> bytes:
    """Return a traced program as bytes: the kept one if there is one, or else a new one, which is then kept.

    Parameters
    ----------
    program : value with a repr that tells it from any other
        What is traced.  jax's settings, of which some are part of the program, are those of this moment.
    trace : callable
        Traces it.
    """
    folder = cache_folder.usable()
    if folder is None:
        return trace()
    key = _key(program)
    kept = _read(folder, key)
    if kept is None:
        kept = trace()
        _write(folder, key, kept)
    return kept


@contextmanager
def compiled_code_kept() -> Iterator[None]:
    """Repair and bound what jax keeps of the compilations in this block, if it keeps it in phigen's folder.

    jax writes in place and never replaces: what a kill or a full disk cut short would be an error in every process.
    """
    import jax

    folder = cache_folder.usable()
    if folder is None or jax.config.values["jax_compilation_cache_dir"] != str(cache_folder.compiled_code(folder)):
        yield
        return
    with warnings.catch_warnings(record=True) as caught:
        yield
    said = {str(warning.message).partition(" persistent compilation cache ")[0]: warning for warning in caught}
    if said.pop("Error reading", None):
        cache_folder.remove_compiled_code(folder)
    if said.pop("Error writing", None):
        cache_folder.warn_of(folder, "cannot be written", "make room")
    for warning in said.values():
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    cache_folder.bound(folder)


def _key(program: Any) -> str:
    """Return a digest of everything that tracing a program depends on.

    The instruction set is part of it because values that do not depend on a run are computed while tracing.
    """
    import jax

    settings = {name: repr(getattr(jax.config, name, value)) for name, value in jax.config.values.items()}
    depends = {
        "program": repr(program),
        "source": _source(),
        "versions": {package: version(package) for package in _PACKAGES},
        "python": platform.python_version(),
        "machine": [platform.machine(), *platform.libc_ver()],
        "instruction set": instruction_set.provenance(),
        "XLA_FLAGS": instruction_set.xla_flags(),
        "jax": {name: value for name, value in settings.items() if not name.startswith(_NOT_TRACED)},
    }
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=1)
def _source() -> str:
    """Return a digest of the code of phigen that tracing may run, so that a change of it is seen without a version."""
    root, digest = Path(__file__).parent.parent, hashlib.sha256()
    for folder in _SOURCES:
        for file in sorted((root / folder).rglob("*.py")):
            code = file.read_bytes()
            digest.update(f"{file.relative_to(root).as_posix()} {len(code)}\n".encode() + code)
    return digest.hexdigest()


def _read(folder: Path, key: str) -> bytes | None:
    """Return a kept program, or None if there is none or a bit of it is wrong; note that it was used."""
    path = folder / f"{key}.program"
    try:
        data = path.read_bytes()
        os.utime(path)
    except OSError:  # not kept, or removed by another process
        return None
    digest, program = data[:_DIGEST], data[_DIGEST:]
    return program if digest == _digest(key, program) else None


def _write(folder: Path, key: str, program: bytes) -> None:
    """Keep a program; a disk that is full costs the next process the time of tracing, and a warning here."""
    try:
        with written_whole(folder / f"{key}.program", replace=True) as draft:
            draft.write_bytes(_digest(key, program) + program)
    except OSError as error:
        cache_folder.warn_of(folder, f"cannot be written ({error.strerror})", "make room")


def _digest(key: str, program: bytes) -> bytes:
    return hashlib.sha256(key.encode() + program).digest()
