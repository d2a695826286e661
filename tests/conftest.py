"""Recipes and datasets that tests share."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from hypothesis import settings
from platformdirs import user_cache_path

from phigen.building.builder import build
from phigen.hub.reference import Reference
from phigen.planning.plans import plan
from phigen.planning.runs import Simulation
from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from phigen.simulation import instruction_set, program
from phigen.simulation.separate_process import own_process
from tests.shared.hub.repositories import Repository
from tests.shared.hub.server import HubServer
from tests.shared.recipes import SMALL, TWO_ORBITS, WITHOUT_FLOOR
from tests.shared.requests import Hub, PublishOnce, RunsPerShard, Scene
from tests.shared.stores import runs_per_shard

COMPILED = tempfile.mkdtemp(prefix="phigen-tests-")
atexit.register(shutil.rmtree, COMPILED, ignore_errors=True)
os.environ.setdefault("MPLCONFIGDIR", str(user_cache_path("matplotlib")))  # its list of fonts takes long
os.environ["XDG_CACHE_HOME"] = COMPILED
os.environ.update(own_process())
instruction_set.is_set_here()  # before a test uses jax, so that simulations run in this process

# A job in a shell's background ignores Ctrl-C, and so would every command that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

HUB_HOME = tempfile.mkdtemp(prefix="phigen-tests-hub-")
atexit.register(shutil.rmtree, HUB_HOME, ignore_errors=True)
REAL_TOKEN, REAL_REPOSITORY = os.environ.get("PHIGEN_TEST_HF_TOKEN"), os.environ.get("PHIGEN_TEST_HF_REPOSITORY")
LOOPBACK = None if REAL_TOKEN and REAL_REPOSITORY else HubServer()
"""The Hub of these tests; None if they were given a token and a repository of the real one."""

# The client reads these when it is imported, which this process and those that tests start do later.
os.environ.update(HF_HOME=HUB_HOME, HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
for variable in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN_PATH"]:
    os.environ.pop(variable, None)
if LOOPBACK:
    os.environ.update(HF_ENDPOINT=LOOPBACK.endpoint, HF_HUB_DISABLE_XET="1")

PUBLISHED: dict[Path, tuple[Reference, Repository]] = {}
"""What `publish_once` has published, by the path of its store: as which version, and the repository then."""

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


@pytest.fixture(scope="session")
def small() -> Recipe:
    """Two levels of four tiny runs."""
    return parse(SMALL, "small.yaml")


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    """The small recipe as a file."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="session")
def eq10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The main job's result, built in one process."""
    path = tmp_path_factory.mktemp("datasets") / "rotation_eq10.zarr"
    build("rotation_eq10", path, workers=1)
    return path


@pytest.fixture(scope="session")
def eq3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three levels of the same family, built in one process."""
    path = tmp_path_factory.mktemp("datasets") / "rotation_eq3.zarr"
    build("rotation_eq3", path, workers=1)
    return path


@pytest.fixture(scope="session")
def without_floor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight tiny runs that have no rounding floor, so that publishing them simulates nothing."""
    return build(parse(WITHOUT_FLOOR), tmp_path_factory.mktemp("datasets") / "small.zarr", workers=1).path


@pytest.fixture(scope="session")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight tiny runs of 35 frames, so that a run has four chunks and the last one is not full."""
    text = SMALL.replace("steps: 6", "steps: 36") + "store: [smoke, velocity, faces]\n"
    return build(parse(text), tmp_path_factory.mktemp("datasets") / "longer.zarr", workers=1).path


@pytest.fixture(scope="session")
def sharded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen tiny runs, two levels of two orbits, in shards of three: the last shard holds one."""
    path = tmp_path_factory.mktemp("datasets") / "sharded.zarr"
    with runs_per_shard(3):
        return build(parse(TWO_ORBITS), path, workers=1).path


@pytest.fixture
def set_runs_per_shard() -> Iterator[RunsPerShard]:
    """Return a function that sets how many runs a shard of every plan holds, until the end of the test."""
    with ExitStack() as stack:
        yield lambda number: stack.enter_context(runs_per_shard(number))


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[Simulation]:
    """The simulations that builds in this process make, in order."""
    made: list[Simulation] = []
    real = program.simulate

    def counted(simulation: Simulation, **options: Any) -> xr.Dataset:
        made.append(simulation)
        return real(simulation, **options)

    monkeypatch.setattr(program, "simulate", counted)
    return made


@pytest.fixture(scope="session")
def scene() -> Scene:
    """Return a function that makes one plume's simulation, with what a test changes."""

    def make(
        *,
        cells: int | list[int] = 64,
        boundary: str = "closed",
        steps: int = 10,
        frames: str = "",
        strength: float = 0.05,
        center: tuple[float, float] = (32, 5),
        radius: float = 5,
        direction: tuple[float, float] = (0, 1),
        precision: str = "double",
    ) -> Simulation:
        recipe = parse(
            f"""\
name: scene
version: 1.0.0
grid: {{cells: {cells}, boundary: {boundary}}}
time: {{steps: {steps}, frames: {{{frames}}}, dt_velocity: 0.5}}
scene:
  inflows: [{{center: {list(center)}, radius: {radius}}}]
  buoyancy: {{direction: {list(direction)}, strength: {strength}}}
precision: {precision}
"""
        )
        return plan(recipe).runs[0].simulation

    return make


@pytest.fixture(scope="session")
def running_hub() -> Iterator[HubServer | None]:
    """The Hub of these tests, answering; None if they speak to the real one."""
    if LOOPBACK:
        from huggingface_hub.utils import build_hf_headers

        LOOPBACK.start()
        build_hf_headers()  # asks the Hub something once, which no test has to count
    yield LOOPBACK
    if LOOPBACK:
        LOOPBACK.stop()


@pytest.fixture
def hub(running_hub: HubServer | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A dataset that does not exist yet, on the loopback Hub or, if so configured, on the real one."""
    fresh = secrets.token_hex(4)
    if running_hub:
        running_hub.reset()
        given = Hub(f"owner/dataset-{fresh}", running_hub.user("owner"))
    else:
        given = Hub(f"{REAL_REPOSITORY}-{fresh}", str(REAL_TOKEN))
    monkeypatch.setenv("HF_TOKEN", given.token)
    yield given
    if running_hub:
        running_hub.forget(given.repository)
    else:
        from huggingface_hub import HfApi

        HfApi(token=given.token).delete_repo(given.repository, repo_type="dataset", missing_ok=True)


@pytest.fixture
def hub_server(hub: Hub, running_hub: HubServer | None) -> HubServer:
    """The loopback Hub itself, which can be inspected and made to fail."""
    if not running_hub:
        pytest.skip("speaks to the real Hub, which cannot be told to fail")
    return running_hub


@pytest.fixture
def publish_once(hub: Hub, running_hub: HubServer | None) -> Iterator[PublishOnce]:
    """Publish a store on its first use, and put a copy of what that published in place on later ones.

    Nothing of it has been downloaded, and no request is recorded.
    """
    from phigen.hub.copies import cached
    from phigen.hub.publishing import publish

    used = []

    def published(store: Path) -> Reference:
        if running_hub is None:
            return publish(store, hub.repository).reference
        if store not in PUBLISHED:
            reference = publish(store, hub.repository).reference
            PUBLISHED[store] = reference, deepcopy(running_hub.state.repositories[reference.repository])
        reference, original = PUBLISHED[store]
        running_hub.state.repositories[reference.repository] = deepcopy(original)
        used.append(reference.repository)
        shutil.rmtree(cached(reference).parent, ignore_errors=True)
        running_hub.reset()
        return reference

    yield published
    if running_hub:
        for name in used:
            running_hub.forget(name)
