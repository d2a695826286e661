"""The processor's instruction set that XLA compiles simulations for: AVX2 on every x86-64, so that values are the same.

By itself XLA compiles for the processor that it finds.  With AVX-512 it rounds differently than with AVX2, and the
flow is chaotic.  The flag ``--xla_cpu_max_isa=AVX2`` in XLA_FLAGS limits it.  XLA reads XLA_FLAGS once per process,
when it first needs a flag: the flag is therefore set around that moment, and XLA is asked afterwards what it has read.
A user's own jax computes with AVX2 too in a process where phigen has simulated first.

Whoever puts another instruction set in XLA_FLAGS gets it, with a warning, and a dataset records it.  On processors
other than x86-64 nothing is limited; ARM has not been tried.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from phigen.atomic import write_json
from phigen.errors import PhigenError

COMMON = "AVX2"
"""What every x86-64 processor since about 2015 has."""

FLAG = "--xla_cpu_max_isa"

_IN_FLAGS = re.compile(rf"{FLAG}=([\"']?)(\w*)\1")
_IN_OPTIONS = re.compile(rb"\xea\x14(?s:.)([A-Z0-9_]+)")
"""XLA's option in its serialized form: field 333 of DebugOptions, a text with its length ahead."""

_QUESTION = "import jax; from jaxlib import xla_client; xla_client.CompileOptions()"

_ENVIRONMENT = threading.Lock()


class InstructionSetWarning(UserWarning):
    """XLA_FLAGS asks for another instruction set than the one that phigen's values are promised for."""


def wanted() -> str | None:
    """Return the instruction set that simulations shall be compiled for.

    Returns
    -------
    str or None
        What XLA_FLAGS names, or else AVX2; None where nothing is limited: on processors other than x86-64, and with a
        jaxlib that does not know the flag.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    return _named(xla_flags()) or (COMMON if _is_known(_jaxlib()) else None)


def provenance() -> str:
    """Return the instruction set as a dataset records it, such as ``AVX2``, or ``native (aarch64)`` if not limited."""
    return wanted() or f"native ({platform.machine()})"


def warn_of_another() -> None:
    """Warn if XLA_FLAGS asks for another instruction set than AVX2, once in a process."""
    name = wanted()
    if name not in (None, COMMON):
        warnings.warn(
            f"XLA_FLAGS: asks for the instruction set {name}, which gives other values than {COMMON}; remove "
            f"{FLAG} to get the promised ones",
            InstructionSetWarning,
            stacklevel=2,
        )


def is_set_here() -> bool:
    """Return whether XLA compiles for the wanted instruction set in this process.

    If jax has not been used here yet, it is from now on.
    """
    name = wanted()
    with _environment_set({} if name is None else {"XLA_FLAGS": _merged(xla_flags(), name)}):
        parsed = _parsed()
    return name in (None, parsed)


def xla_flags() -> str:
    """Return the flags for XLA that are in XLA_FLAGS, or in the file that it names.

    XLA takes a value that begins with a hyphen for flags, and any other for the name of a file of them.
    """
    value = os.environ.get("XLA_FLAGS", "")
    if not value or value.lstrip().startswith("-"):
        return value
    try:
        return Path(value).read_text(encoding="utf-8")
    except OSError as error:
        raise PhigenError(
            f"XLA_FLAGS: names a file that cannot be read, got {value!r} ({error.strerror}); flags begin with a hyphen"
        ) from error


def _named(flags: str) -> str | None:
    """Return the instruction set that flags name, the last one if there are several."""
    found = _IN_FLAGS.findall(flags)
    return str(found[-1][1]).upper() or None if found else None


def _merged(flags: str, name: str) -> str:
    return flags if _named(flags) == name else f"{flags} {FLAG}={name}".strip()


@contextmanager
def _environment_set(settings: dict[str, str]) -> Iterator[None]:
    with _ENVIRONMENT:
        before = {name: os.environ.get(name) for name in settings}
        os.environ.update(settings)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


@lru_cache(maxsize=1)
def _parsed() -> str | None:
    """Return the instruction set that XLA has read from XLA_FLAGS in this process, now or before."""
    import_module("jax")  # quietens XLA's log, which jaxlib begins
    from jaxlib import xla_client

    options = xla_client.CompileOptions()
    found = _IN_OPTIONS.search(options.SerializeAsString())
    return found[1].decode() if found else None


@lru_cache(maxsize=1)
def _jaxlib() -> str:
    """Return the version of jaxlib; looking it up takes 10 ms each time."""
    return version("jaxlib")


@lru_cache(maxsize=1)
def _is_known(jaxlib: str) -> bool:
    """Return whether a version of jaxlib knows the flag, which a child process finds out: XLA ends one with an unknown.

    The answer is kept in the user's cache folder, because each answer costs half a second.
    """
    from platformdirs import user_cache_path

    kept = user_cache_path("phigen") / f"jaxlib-{jaxlib}-xla_cpu_max_isa.json"
    with suppress(OSError, ValueError):  # not asked before, or damaged
        return bool(json.loads(kept.read_text(encoding="utf-8")))
    environment = os.environ | {"XLA_FLAGS": f"{FLAG}={COMMON}"}
    done = subprocess.run([sys.executable, "-c", _QUESTION], env=environment, capture_output=True, text=True)
    if done.returncode != 0 and "Unknown flag" not in done.stderr:
        raise PhigenError(f"jaxlib {jaxlib}: cannot be used, got {done.stderr.strip()!r}; install phigen again")
    with suppress(OSError):  # a folder that cannot be written costs the next process half a second
        write_json(kept, done.returncode == 0)
    return done.returncode == 0
