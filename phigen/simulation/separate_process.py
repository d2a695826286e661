"""A process of phigen's own that simulates, for processes in which jax already runs with another setting.

It is started once, kept until this process ends, and spoken to over pipes: pickled requests and replies.  It is no
child of multiprocessing: dask's workers may not have one, and it would run a user's unguarded script again.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Sequence
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any

from phigen.errors import PhigenError, SimulationError
from phigen.simulation import cache_folder, instruction_set
from phigen.simulation.cache_folder import CacheWarning

if TYPE_CHECKING:
    from phigen.planning.runs import Simulation
    from phigen.simulation.compilation import Outputs, Shape

_START = "import sys; sys.path[:] = {path!r}; from phigen.simulation.separate_process import serve; serve()"

_ONE_AT_A_TIME = threading.Lock()

_kept: dict[tuple[int, str | None], subprocess.Popen[bytes]] = {}
"""The processes, by the id of the one that started it and by the instruction set that it was started for.  A fork does
not share the pipes of the process that it is forked from, and XLA_FLAGS may change while a process runs."""


def own_process() -> dict[str, str]:
    """Return the environment of a process that is phigen's own: the command line, a worker, or the one started here.

    It simulates on the CPU alone, whatever else jax could use.  jax keeps what it has compiled beside the traced
    programs, if that folder is the user's alone, and XLA's pool has one thread because more cost processor time and
    gain nothing; a user's settings of these prevail.
    """
    settings = {"PJRT_NPROC": "1"}
    if (folder := cache_folder.usable()) is not None:
        settings["JAX_COMPILATION_CACHE_DIR"] = str(cache_folder.compiled_code(folder))
        settings["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    return {name: os.environ.get(name, value) for name, value in settings.items()} | {"JAX_PLATFORMS": "cpu"}


def run(simulations: Sequence[Simulation], shape: Shape) -> list[Outputs]:
    """Return what `compilation.run` computes, from the process of phigen's own.

    Raises
    ------
    SimulationError
        If the process fails or ends before it has replied; the next call starts another.
    """
    with _ONE_AT_A_TIME:
        process = _process()
        try:
            outcome = _reply(process, (tuple(simulations), shape))
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            _end(process)
            raise SimulationError(
                f"the process that simulates has ended with status {process.returncode}, perhaps out of memory; "
                "try again with other programs closed, or with fewer cells or frames"
            ) from error
        except BaseException:  # interrupted: the reply to this request would answer the next one
            _end(process)
            raise
    if isinstance(outcome, PhigenError):
        raise outcome
    return outcome


def serve() -> None:
    """Simulate what is asked for on standard input; what the process does until that is closed, and then it ends."""
    warnings.simplefilter("ignore", CacheWarning)  # the process that asks has warned
    waiting: SimpleQueue[Any] = SimpleQueue()
    with os.fdopen(os.dup(0), "rb") as requests, os.fdopen(os.dup(1), "wb") as replies:
        os.dup2(2, 1)  # what a library prints shall not be taken for a reply
        threading.Thread(target=_receive, args=(requests, waiting), daemon=True).start()
        while True:
            pickle.dump(_outcome(*waiting.get()), replies, pickle.HIGHEST_PROTOCOL)
            replies.flush()


def _receive(requests: IO[bytes], waiting: SimpleQueue[Any]) -> None:
    """Hand on each request; end the process when there can be no more, also in the middle of a simulation.

    The process that asks closes its end of the pipe when it ends, however it ends: nobody waits for a reply then.
    """
    try:
        while True:
            waiting.put(pickle.load(requests))
    finally:
        os._exit(0)


def _outcome(simulations: Sequence[Simulation], shape: Shape) -> list[Outputs] | PhigenError:
    from phigen.simulation import compilation

    try:
        if not instruction_set.is_set_here():
            return SimulationError(
                "jax runs with another instruction set in every new process; look for what starts it, such as a "
                "sitecustomize.py, and set XLA_FLAGS there"
            )
        return compilation.run(simulations, shape)
    except PhigenError as error:
        return error
    except Exception as error:
        return SimulationError(f"the process that simulates has failed, {type(error).__name__}: {error}")


def _process() -> subprocess.Popen[bytes]:
    """Return the process that is kept, or a new one if there is none or it has ended."""
    key = os.getpid(), instruction_set.wanted()
    kept = _kept.get(key)
    if kept is not None and kept.poll() is not None:
        _end(kept)
        kept = None
    if kept is None:
        if not _kept:
            atexit.register(_end_kept)
        kept = subprocess.Popen(
            [sys.executable, "-c", _START.format(path=sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | own_process(),
            start_new_session=True,  # Ctrl-C is for the process that asked
        )
        _kept[key] = kept
    return kept


def _reply(process: subprocess.Popen[bytes], request: Any) -> list[Outputs] | PhigenError:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    pickle.dump(request, process.stdin, pickle.HIGHEST_PROTOCOL)
    process.stdin.flush()
    outcome: list[Outputs] | PhigenError = pickle.load(process.stdout)
    return outcome


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process, if it has not ended yet, and close its pipes."""
    process.kill()
    process.communicate()


def _end_kept() -> None:
    """End the processes when this one ends; a fork leaves them to the one that started them."""
    for (starter, _), kept in _kept.items():
        if starter == os.getpid():
            _end(kept)
