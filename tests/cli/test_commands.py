"""The command line as a whole: help, mistakes, interruptions, warnings, and what is loaded when."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import click
import pytest

from phigen.building.builder import build
from phigen.building.rates import BUILT_IN, keep
from phigen.cli import COMMANDS, main
from phigen.recipe.loading import parse
from tests.shared.command import phigen, run_here, succeeds_here
from tests.shared.files import files_of
from tests.shared.hub.server import HubServer
from tests.shared.recipes import GRADED, SMALL


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_for_itself_and_each_of_its_options(command: str) -> None:
    text = succeeds_here(command, "--help")
    assert "Usage: phigen" in text
    assert "--debug" in text
    options = [option for option in _command(command).params if isinstance(option, click.Option)]
    assert options
    assert [option.name for option in options if not (option.help or "").endswith(".")] == []


def _command(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return command


def test_the_list_of_commands_shows_whole_sentences() -> None:
    commands = succeeds_here("--help").split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in commands] == list(COMMANDS)
    assert all(line.endswith(".") and not line.endswith("...") for line in commands)


def test_a_command_is_loaded_without_the_others_and_help_without_libraries() -> None:
    modules = set(_loaded("from phigen.cli import main; main.get_command(None, 'schema')"))
    assert "phigen.cli.recipe" in modules
    assert not modules & {f"phigen.cli.{name}" for name in ("build", "measurement", "hub", "formats")}
    modules = set(_loaded("from phigen.cli import main; main(['--help'], standalone_mode=False)"))
    assert not modules & {"numpy", "pydantic", "xarray", "jax", "huggingface_hub", "tabulate"}


def test_a_plan_needs_neither_arrays_of_a_store_nor_a_solver(small_file: Path) -> None:
    keep(BUILT_IN)  # as the first plan on a machine does, which measures it
    code = f"from phigen.cli import main; main(['plan', {str(small_file)!r}], standalone_mode=False)"
    assert not set(_loaded(code)) & {"xarray", "zarr", "dask.array", "distributed", "jax", "phi", "pandas"}


def _loaded(code: str) -> list[str]:
    """Run code in a new interpreter and return the names of the modules that are loaded then."""
    code = f"import contextlib, io, json, sys\nwith contextlib.redirect_stdout(io.StringIO()):\n    {code}"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint(json.dumps(list(sys.modules)))"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout)
    return names


BAD_INPUT = {
    "missing file": ["build", "none.yaml"],
    "unknown name": ["build", "rotation_eq11"],
    "directory": ["build", "."],
    "binary file": ["build", "binary.yaml"],
    "empty recipe": ["build", "empty.yaml"],
    "misspelt key": ["build", "misspelt.yaml"],
    "quarter turn of an oblong box": ["build", "oblong.yaml"],
    "scale that makes no whole grid": ["build", "scale.yaml"],
    "fractions that do not add up": ["build", "fractions.yaml"],
    "output is a file": ["build", "small.yaml", "--out", "small.yaml"],
    "output below a file": ["build", "small.yaml", "--out", "small.yaml/s.zarr"],
    "output cannot be made": ["build", "small.yaml", "--out", "/proc/phigen/s.zarr"],
    "output holds something else": ["build", "small.yaml", "--out", "."],
    "too large for any disk": ["build", "large.yaml"],
    "a very long name": ["build", "x" * 300],
    "a very long output": ["build", "small.yaml", "--out", "x" * 300],
    "no dataset": ["measure", "none.zarr"],
    "no dataset of ours": ["inspect", "."],
    "no such level": ["preview", "built.zarr", "--level", "7"],
    "neither png nor gif": ["preview", "built.zarr", "--out", "x.txt"],
    "picture below a file": ["preview", "built.zarr", "--out", "small.yaml/x.png"],
    "no frames": ["measure", "built.zarr", "--frames", "50:"],
    "nothing to calibrate": ["calibrate", "small.yaml"],
    "a target out of reach": ["build", "unreachable.yaml"],
    "frames that the published error needs": ["measure", "built.zarr", "--convention", "wang2022"],
    "an export over something": ["export", "built.zarr", "--format", "npy", "--out", "small.yaml"],
    "an export below a file": ["export", "built.zarr", "--format", "netcdf", "--out", "small.yaml/x.nc"],
    "an export of nothing": ["export", "none.zarr", "--format", "well"],
    "an import of nothing": ["import", "wang2022", "none.zip"],
    "an import of something else": ["import", "wang2022", "small.yaml"],
    "an import of an empty folder": ["import", "wang2022", "built.zarr"],
    "an import over something": ["import", "wang2022", "originals", "--out", "small.yaml"],
    "an import from the Hub": ["import", "wang2022", "hf://datasets/dl2-g32/smokeplume"],
    "a calibration that is not a png": ["calibrate", "graded.yaml", "--out", "x.jpg"],
    "a calibration drawn nowhere": ["calibrate", "graded.yaml", "--out", "small.yaml/x.png"],
}

BAD_SCHEDULERS = {
    "no scheduler there": "tcp://127.0.0.1:1",
    "no scheduler's address": "nonsense://x",
    "scheduler that is secured": "tls://127.0.0.1:1",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, running_hub: HubServer | None) -> Path:
    """Where a user has made every mistake, with a Hub that answers."""
    path = tmp_path_factory.mktemp("mistakes")
    (path / "small.yaml").write_text(SMALL)
    (path / "binary.yaml").write_bytes(b"\x89PNG\r\n\x00\xff")
    (path / "empty.yaml").write_text("")
    (path / "misspelt.yaml").write_text(SMALL.replace("symmetry", "symetry"))
    (path / "oblong.yaml").write_text(SMALL.replace("cells: 16", "cells: [16, 20]"))
    scaling = "group: scaling\n  factors: [1, 1.1, 1.2, 1.25]\n  scaling_method: resampled"
    (path / "scale.yaml").write_text(SMALL.replace("group: C4", scaling))
    (path / "fractions.yaml").write_text(SMALL + "splits: {train: 0.8, test: 0.1}\n")
    (path / "large.yaml").write_text(SMALL.replace("cells: 16", "cells: 4096").replace("steps: 6", "steps: 1000000"))
    (path / "graded.yaml").write_text(GRADED)
    (path / "unreachable.yaml").write_text(GRADED.replace("[0, 0.01]", "[0, 1e6]"))
    (path / "originals" / "Scale").mkdir(parents=True)
    (path / "originals" / "Scale" / "raw_data_0.pt").write_bytes(b"")
    build(parse(SMALL), path / "built.zarr", workers=1)
    return path


@pytest.mark.parametrize("mistake", BAD_INPUT)
def test_a_mistake_is_one_line_and_changes_nothing(mistake: str, folder: Path) -> None:
    before = files_of(folder)
    done = run_here(*BAD_INPUT[mistake], cwd=folder)
    _is_one_line(done.exit_code, done.stdout, done.stderr)
    assert files_of(folder) == before
    assert not (folder / "datasets").exists()


@pytest.mark.parametrize("mistake", BAD_SCHEDULERS)
def test_a_wrong_scheduler_is_one_line_and_changes_nothing(mistake: str, folder: Path) -> None:
    """In a process of its own, whose stderr is all that dask's threads can write to."""
    before = files_of(folder)
    done = phigen("build", "small.yaml", "--scheduler", BAD_SCHEDULERS[mistake], cwd=folder)
    _is_one_line(done.returncode, done.stdout, done.stderr)
    assert files_of(folder) == before


def _is_one_line(status: int, printed: str, error: str) -> None:
    assert (status, printed) == (1, "")
    assert len(error.splitlines()) == 1, error
    assert "Traceback" not in error
    assert "phigen failed" not in error


def test_debug_shows_the_traceback_before_and_after_the_command(folder: Path) -> None:
    assert "Traceback" in phigen("build", "none.yaml", "--debug", cwd=folder).stderr
    assert "Traceback" in run_here("--debug", "build", "none.yaml", cwd=folder).stderr


def test_a_dataset_named_like_an_option_value_does_not_switch_it_on(folder: Path) -> None:
    assert "Traceback" not in run_here("build", "--", "--debug", cwd=folder).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["build"],
        ["built"],
        ["build", "small.yaml", "--workers", "0"],
        ["build", "small.yaml", "--workers", "2", "--scheduler", "tcp://x:1"],
        ["measure", "built.zarr", "--frames", "ten"],
        ["measure", "built.zarr", "--dims", "time,,x"],
        ["measure", "built.zarr", "--convention", "wang2022", "--rounding-floor"],
        ["measure", "built.zarr", "--convention", "wang2021"],
        ["export", "built.zarr"],
        ["export", "built.zarr", "--format", "zip"],
        ["import", "wang2021", "originals"],
    ],
)
def test_a_usage_mistake_exits_2(arguments: list[str], folder: Path) -> None:
    done = run_here(*arguments, cwd=folder)
    assert done.exit_code == 2
    assert "Usage:" in done.stderr


def test_a_usage_mistake_exits_2_in_a_process_too(folder: Path) -> None:
    assert phigen("build", "--workers", "0", cwd=folder).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "function", "message"),
    [
        (["build", "small.yaml", "--out", "x.zarr"], "phigen.building.builder.build", "; what was built is kept"),
        (["publish", "built.zarr", "o/n"], "phigen.hub.publishing.publish", "; what was uploaded is kept"),
        (["publish", "built.zarr", "o/n", "--dry-run"], "phigen.hub.bundle.bundled", "\n"),
        (["download", "o/n"], "phigen.hub.downloading.download", "; what was downloaded is kept"),
        (["measure", "build"], "phigen.hub.opening.open_with_errors", "\n"),
    ],
)
def test_an_interruption_exits_130_and_says_what_the_command_keeps(
    arguments: list[str], function: str, message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(function, interrupted)
    done = run_here(*arguments, cwd=folder)
    assert (done.exit_code, done.stdout) == (130, "")
    assert done.stderr.startswith(f"interrupted{message}")
    assert len(done.stderr.splitlines()) == 1


def test_a_failure_that_is_not_the_users_is_one_line_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise ZeroDivisionError("in\nseveral lines")

    monkeypatch.setattr("phigen.recipe.loading.load", fails)
    done = run_here("plan", "small.yaml", cwd=folder)
    assert done.exit_code == 1
    assert done.stderr == "phigen failed with ZeroDivisionError: in several lines; --debug shows the traceback\n"


def test_a_warning_is_one_line_on_stderr(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from phigen.recipe.loading import load

    def warns(recipe: str) -> object:
        warnings.warn("first\nsecond", stacklevel=2)
        return load(recipe)

    monkeypatch.setattr("phigen.recipe.loading.load", warns)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        done = run_here("plan", "small.yaml", cwd=folder)
    assert (done.exit_code, done.stderr) == (0, "first second\n")
    assert done.stdout.startswith("name")


def test_a_reader_that_closes_the_pipe_hears_nothing() -> None:
    command = [sys.executable, "-m", "phigen", "schema"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait(60)
