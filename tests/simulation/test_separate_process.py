"""Where jax runs with another setting, a process of phigen's own simulates: the same bits, and errors as they are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from phigen.errors import SimulationError
from phigen.simulation import instruction_set, separate_process
from phigen.simulation.compilation import Shape
from phigen.simulation.program import simulate
from phigen.symmetry.fields import SIMULATED
from tests.shared.requests import Scene


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate as if jax ran here with another setting."""
    monkeypatch.setattr("phigen.simulation.instruction_set.is_set_here", lambda: False)


def the_process() -> subprocess.Popen[bytes]:
    return separate_process._kept[os.getpid(), instruction_set.wanted()]


def test_it_is_started_once_and_gives_the_same_bits(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = scene(cells=16, center=(8, 3), radius=2, steps=5), scene(cells=16, center=(8, 3), radius=3, steps=5)
    here = [simulate(one), simulate(two, fields=["pressure"], dtype="float64")]
    monkeypatch.setattr("phigen.simulation.instruction_set.is_set_here", lambda: False)
    first = simulate(one)
    process = the_process()
    second = simulate(two, fields=["pressure"], dtype="float64")
    assert the_process() is process
    for there, known in zip((first, second), here, strict=True):
        assert all(there[name].values.tobytes() == known[name].values.tobytes() for name in known)
        assert list(there) == list(known)


def test_a_flow_that_is_none_is_the_same_error(elsewhere: None, scene: Scene) -> None:
    with pytest.raises(SimulationError, match=r"is not finite from frame \d+ on"):
        simulate(scene(cells=16, center=(8, 3), radius=2, steps=9, strength=1e308))


def test_one_that_has_ended_is_started_again(elsewhere: None, scene: Scene) -> None:
    simulation = scene(cells=16, center=(8, 3), radius=2, steps=2)
    simulate(simulation)
    killed = the_process()
    killed.kill()
    killed.wait(30)
    assert np.isfinite(simulate(simulation)["smoke"].values).all()
    assert the_process() is not killed


def test_one_that_ends_at_work_is_an_error_and_the_next_call_starts_another(
    elsewhere: None, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation = scene(cells=16, center=(8, 3), radius=2, steps=2)
    separate_process._end_kept()
    monkeypatch.setattr(separate_process, "_START", "import sys; sys.stdin.buffer.read(9); sys.exit(7)")
    with pytest.raises(SimulationError, match=r"has ended with status -?\d+, perhaps out of memory; try again with"):
        simulate(simulation)
    monkeypatch.undo()
    monkeypatch.setattr("phigen.simulation.instruction_set.is_set_here", lambda: False)
    assert np.isfinite(simulate(simulation)["smoke"].values).all()


def test_an_interrupted_request_leaves_no_reply_behind(
    elsewhere: None, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation = scene(cells=16, center=(8, 3), radius=2, steps=2)
    simulate(simulation)
    interrupted = the_process()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(separate_process, "_reply", interrupt)
        with pytest.raises(KeyboardInterrupt):
            simulate(simulation)
    assert interrupted.poll() is not None
    assert simulate(simulation).sizes["time"] == 2


def test_what_fails_there_is_named(elsewhere: None, scene: Scene) -> None:
    shape = Shape.of(scene(steps=2), fields=SIMULATED, dtype="float32")._replace(dtype="float33")
    with pytest.raises(SimulationError, match=r"the process that simulates has failed, TypeError: .*float33"):
        separate_process.run([scene(steps=2)], shape)
    assert the_process().poll() is None


def test_a_new_process_that_has_another_setting_too_is_an_error(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phigen.simulation.instruction_set.is_set_here", lambda: False)
    shape = Shape.of(scene(steps=2), fields=SIMULATED, dtype="float32")
    outcome = separate_process._outcome([scene(steps=2)], shape)
    assert isinstance(outcome, SimulationError)
    assert "jax runs with another instruction set in every new process; look for" in str(outcome)


def test_nothing_that_a_library_prints_is_taken_for_a_reply(
    elsewhere: None, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve = "from phigen.simulation.separate_process import serve; serve()"
    assert separate_process._START.endswith(serve)
    start = separate_process._START.replace(serve, LOUD + serve)
    monkeypatch.setattr(separate_process, "_START", start)
    assert np.isfinite(simulate(scene(cells=16, center=(8, 3), radius=2, steps=2))["smoke"].values).all()


LOUD = """
import os
from phigen.simulation import compilation
run = compilation.run
def loud(*arguments):
    print("noise", flush=True)
    os.system("echo noise")
    return run(*arguments)
compilation.run = loud
"""


USER = """
import os, phigen, jax
from phigen.simulation import instruction_set, separate_process
jax.numpy.zeros(1).block_until_ready()
run = phigen.plan(phigen.load("rotation_eq3")).runs[0]
phigen.simulate(run.simulation)
print(*(process.pid for process in separate_process._kept.values()))
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="asks a POSIX system for its processes")
def test_it_ends_with_the_process_that_started_it() -> None:
    done = subprocess.run([sys.executable, "-c", USER], capture_output=True, text=True, check=True)
    (pid,) = map(int, done.stdout.split())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


LONG = USER.replace(
    "phigen.simulate(run.simulation)",
    """
from dataclasses import replace
print(separate_process._process().pid, flush=True)
phigen.simulate(replace(run.simulation, frames=range(10**6 - 1, 10**6)))
""",
)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="asks a POSIX system for its processes")
def test_it_ends_in_the_middle_of_a_simulation_when_the_process_that_asked_is_killed() -> None:
    """As a notebook's kernel that is restarted: otherwise it would compute to the end for nobody."""
    with subprocess.Popen([sys.executable, "-c", LONG], stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        pid = int(asking.stdout.readline())
        time.sleep(15)
        assert asking.poll() is None
        os.kill(pid, 0)
        asking.kill()
    deadline = time.monotonic() + 10
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="asks a POSIX system for its processes")
def test_another_instruction_set_is_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was started before XLA_FLAGS changed would compute values that the provenance does not name."""
    separate_process._end_kept()
    first = separate_process._process()
    monkeypatch.setattr(instruction_set, "wanted", lambda: "AVX")
    second = separate_process._process()
    assert second is not first
    assert separate_process._process() is second
    separate_process._end_kept()
    assert first.poll() is not None
    assert second.poll() is not None


def test_a_platform_of_jax_that_leaves_out_the_cpu_is_no_hindrance() -> None:
    script = USER.replace("jax.numpy.zeros(1).block_until_ready()\n", "")
    environment = os.environ | {"JAX_PLATFORMS": "cuda"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert len(done.stdout.split()) == 1


DEVICES = """
import jax
from phigen.simulation import compilation, instruction_set
from phigen.simulation.surroundings import surroundings
assert instruction_set.is_set_here()
first, second = jax.devices()
jax.config.update("jax_default_device", second)
with surroundings("double"):
    from phi.jax import JAX
    assert JAX.get_default_device().ref == jax.numpy.zeros(1).device == first
assert JAX.get_default_device().ref == jax.numpy.zeros(1).device == second
"""


def test_a_simulation_is_on_the_first_cpu_whatever_jaxs_default_device_is() -> None:
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    subprocess.run([sys.executable, "-c", DEVICES], env=environment, check=True)
