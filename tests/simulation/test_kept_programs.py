"""A kept program gives the bits of a traced one, without PhiFlow; a changed one and a changed phigen are not used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import phigen
from phigen.simulation import cache_folder, compilation, kept_programs
from phigen.simulation.cache_folder import CacheWarning
from phigen.simulation.compilation import Shape
from tests.shared.requests import Scene

ROOT = Path(phigen.__file__).parent.parent


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of programs; this process has compiled none."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    compilation._program.cache_clear()
    yield tmp_path / "phigen" / "programs"
    compilation._program.cache_clear()


def simulated(scene: Scene, **changes: object) -> bytes:
    """Return the bits of a tiny run, of a program that this process has not compiled before."""
    compilation._program.cache_clear()
    simulation = scene(cells=16, center=(8, 3), radius=2, steps=3, **changes)
    shape = Shape.of(simulation, fields=["smoke", "velocity", "pressure"], dtype="float64")
    (outputs,) = compilation.run([simulation], shape)
    return b"".join(values.tobytes() for values in (*outputs.fields.values(), *outputs.health))


def traces(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that gets an entry for each program that is traced."""
    seen: list[object] = []
    traced = compilation._traced

    def noted(shape: Shape, arguments: compilation.Arguments) -> bytes:
        seen.append(shape)
        return traced(shape, arguments)

    monkeypatch.setattr(compilation, "_traced", noted)
    return seen


SCRIPT = """
import hashlib, json, os, sys
from phigen.simulation.separate_process import own_process
os.environ.update(own_process())
from phigen.planning.plans import plan
from phigen.recipe.loading import parse
from phigen.simulation.program import simulate, simulate_batch
digests = {}
for name, text in json.loads(sys.argv[1]).items():
    simulations = [run.simulation for run in plan(parse(text, name)).runs]
    last = simulations[-1]
    assert last.symmetric != ("identity",) or "symmetric" not in name
    assert last.resampled or "resampled" not in name
    assert last.areas or "regions" not in name
    fields = simulate(last, dtype="float64")
    digests[name] = hashlib.sha256(b"".join(fields[v].values.tobytes() for v in fields)).hexdigest()
alone = simulate(last)
assert all(one.identical(alone) for one in simulate_batch([last, last]))
print(json.dumps([digests, any(name.split(".")[0] in ("phi", "phiml") for name in sys.modules)]))
"""

SCENE = """\
name: shape
version: 1.0.0
grid: {cells: 16}
time: {steps: 8, frames: {first: 1}, dt_velocity: 0.5}
scene:
  inflows: [{center: [8, 3], radius: 2}]
  buoyancy: {strength: 0.1}
"""

RECIPES = {
    "double": SCENE,
    "single": SCENE + "precision: single\n",
    "periodic and open": SCENE.replace("{cells: 16}", "{cells: [16, 14], boundary: {x: periodic, y: open}}"),
    "regions": SCENE.replace("  buoyancy:", "  regions: [{x: [0, 8]}, {x: [8, 16], factor: 2}]\n  buoyancy:"),
    "symmetric": SCENE + "symmetry: {group: D1_x, elements: distinct}\n",
    "resampled": SCENE + "symmetry: {group: scaling, factors: [1, 1.5], scaling_method: resampled}\n",
}


@pytest.mark.slow
def test_bits_are_the_same_without_a_kept_program_and_with_one_in_a_process_without_phiflow(tmp_path: Path) -> None:
    """In new processes: one that keeps, one that finds what was kept, one that cannot keep anything."""
    (tmp_path / "none" / "phigen").mkdir(parents=True)
    (tmp_path / "none" / "phigen" / "programs").write_text("")
    said = {}
    for what, cache in [("traced", "some"), ("kept", "some"), ("traced without a folder", "none")]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
        command = [sys.executable, "-c", SCRIPT, json.dumps(RECIPES)]
        environment["XDG_CACHE_HOME"] = str(tmp_path / cache)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        said[what] = json.loads(done.stdout)
        assert ("CacheWarning" in done.stderr) == (cache == "none")
    assert [with_phiflow for _, with_phiflow in said.values()] == [True, False, True]
    assert said["traced"][0] == said["kept"][0] == said["traced without a folder"][0]
    assert len(set(said["kept"][0].values())) == len(RECIPES)


def test_a_program_is_traced_once_and_kept(folder: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = traces(monkeypatch)
    assert simulated(scene) == simulated(scene) == simulated(scene, strength=0.05)
    assert len(seen) == 1
    assert simulated(scene, boundary="periodic") != simulated(scene)
    assert len(seen) == 2
    assert len(list(folder.glob("*.program"))) == 2


def test_every_flipped_bit_is_seen_and_the_program_is_made_anew(
    folder: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    bits = simulated(scene)
    (path,) = folder.glob("*.program")
    whole = path.read_bytes()
    program = kept_programs._read(folder, path.stem)
    assert program is not None
    for place in (*range(0, len(whole), len(whole) // 200), len(whole) - 1):
        path.write_bytes(_flipped(whole, place))
        assert kept_programs._read(folder, path.stem) is None
    for part in (b"", whole[:20], whole[:-1], whole + b"\0"):
        path.write_bytes(part)
        assert kept_programs._read(folder, path.stem) is None
    seen = traces(monkeypatch)
    assert simulated(scene) == bits
    assert len(seen) == 1
    assert kept_programs._read(folder, path.stem) is not None


def test_a_program_under_the_name_of_another_is_not_used(folder: Path, scene: Scene) -> None:
    simulated(scene)
    (path,) = folder.glob("*.program")
    other = folder / f"{'0' * 64}.program"
    shutil.copy(path, other)
    assert kept_programs._read(folder, path.stem) is not None
    assert kept_programs._read(folder, other.stem) is None


def test_using_a_program_is_noted(folder: Path, scene: Scene) -> None:
    simulated(scene)
    (path,) = folder.glob("*.program")
    os.utime(path, (10, 10))
    simulated(scene)
    assert path.stat().st_mtime > 10


def test_a_program_that_cannot_be_kept_is_a_warning_in_a_line_and_simulates(
    folder: Path, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    bits = simulated(scene)
    cache_folder.clear(folder)
    monkeypatch.setattr(kept_programs, "written_whole", full)
    with pytest.warns(CacheWarning, match=r"programs: cannot be written \(No space left on device\), so .*; make room"):
        assert simulated(scene) == bits


def test_writers_of_one_program_do_not_mix(tmp_path: Path) -> None:
    programs = [bytes([number]) * 10**6 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda program: kept_programs._write(tmp_path, "k", program), programs))
    assert kept_programs._read(tmp_path, "k") in programs
    assert [path.name for path in tmp_path.iterdir()] == ["k.program"]


CHANGES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "a flag of XLA": lambda patch: patch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=1"),
    "the instruction set": lambda patch: patch.setattr("phigen.simulation.instruction_set.wanted", lambda: "AVX"),
    "phigen": lambda patch: patch.setattr(kept_programs, "_source", lambda: "changed"),
    **{
        package: lambda patch, package=package: patch.setattr(
            kept_programs, "version", lambda name: "9.9" if name == package else "1.0"
        )
        for package in kept_programs._PACKAGES
    },
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_program_is_of_everything_that_tracing_depends_on(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_programs, "version", lambda name: "1.0")
    key = kept_programs._key("program")
    assert kept_programs._key("program") == key
    assert kept_programs._key("other") != key
    CHANGES[what](monkeypatch)
    assert kept_programs._key("program") != key


def test_a_setting_of_jax_that_tracing_reads_is_part_of_it_and_the_place_of_its_cache_is_not() -> None:
    import jax

    key = kept_programs._key("program")
    with jax.default_matmul_precision("float32"):
        assert kept_programs._key("program") != key
    with jax.enable_x64(True):
        assert kept_programs._key("program") != key
    before = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", "/elsewhere")
    try:
        assert kept_programs._key("program") == key
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


def test_a_change_of_the_code_that_tracing_runs_is_seen_and_of_other_code_is_not(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "phigen", tmp_path / "phigen", ignore=shutil.ignore_patterns("__pycache__"))

    def source() -> str:
        code = "from phigen.simulation import kept_programs; print(kept_programs._source())"
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    before = source()
    (tmp_path / "phigen" / "cli" / "build.py").write_text("# another\n")
    assert source() == before
    seen = {before}
    for name in ("simulation/flow_step.py", "symmetry/resampling.py", "recipe/grid.py"):
        file = tmp_path / "phigen" / name
        file.write_text(file.read_text() + "# another\n")
        seen.add(source())
    assert len(seen) == 4


def test_tracing_imports_nothing_of_phigen_that_is_not_part_of_the_key() -> None:
    code = (
        "import sys; from phigen.simulation.surroundings import physics; from phigen.simulation import compilation; "
        "physics(); print(*(name for name in sys.modules if name.startswith('phigen.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    folders = {name.split(".")[1] for name in done.stdout.split()}
    assert folders <= {*kept_programs._SOURCES, "atomic", "errors", "installing", "progress"}
    assert "phigen.simulation.flow_step" in done.stdout.split()


@pytest.fixture
def jax_keeps(folder: Path) -> Iterator[Path]:
    """The folder in which jax keeps compiled code, as in phigen's own processes."""
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    before = jax.config.values["jax_compilation_cache_dir"]
    code = cache_folder.compiled_code(folder)
    jax.config.update("jax_compilation_cache_dir", str(code))
    compilation_cache.reset_cache()
    yield code
    jax.config.update("jax_compilation_cache_dir", before)
    compilation_cache.reset_cache()


@pytest.mark.slow
def test_damaged_compiled_code_is_seen_removed_and_made_anew(jax_keeps: Path, scene: Scene) -> None:
    bits = simulated(scene)
    (path,) = jax_keeps.glob("jit_call*")
    whole = path.read_bytes()
    cut = whole[:1000]  # as a kill leaves it
    flipped = [_flipped(whole, place) for place in (len(whole) // 3, 2 * len(whole) // 3)]
    for damaged in (cut, *flipped):
        path.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            assert simulated(scene) == bits
        assert not path.exists()
    assert simulated(scene) == bits
    assert path.exists()


def _flipped(whole: bytes, place: int) -> bytes:
    """Return bytes of which one bit is another."""
    damaged = bytearray(whole)
    damaged[place] ^= 1 << place % 8
    return bytes(damaged)
