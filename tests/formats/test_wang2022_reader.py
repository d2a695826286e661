"""The published sets become datasets of phigen's, and nothing in their files is trusted."""

from __future__ import annotations

import io
import os
import pickle
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import phigen
from phigen.building.builder import build
from phigen.errors import FormatError, HubError, MeasureError, StoreError
from phigen.measurement.data_error import measure, summarize
from phigen.measurement.wang2022_convention import measure_wang2022
from phigen.recipe.loading import load, parse
from phigen.simulation.staggered import lower_faces
from phigen.store.reading import open as open_dataset
from phigen.store.summary import describe
from phigen.symmetry.fields import FACES
from phigen.symmetry.point_groups import POINT_GROUPS, inverse, turn
from tests.shared.files import files_of
from tests.shared.hub.server import HubServer
from tests.shared.requests import Hub

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

Files = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    """Three of the published levels, with the faces that were simulated."""
    text = load("rotation_eq3").text + "store: [velocity, faces]\n"
    return open_dataset(build(parse(text), tmp_path_factory.mktemp("built") / "s.zarr", workers=1).path)


@pytest.fixture(scope="module")
def plumes(simulated: xr.Dataset) -> dict[tuple[int, int], xr.Dataset]:
    """All faces of each plume as it was simulated, upwards, by level and number of rotations by 90 degrees."""
    return {
        (int(level), j): turn(simulated[list(FACES)].isel(run=4 * i + j), inverse(g))
        for i, level in enumerate(np.unique(simulated["level"].values))
        for j, g in enumerate(POINT_GROUPS["C4"])
    }


@pytest.fixture(scope="module")
def originals(plumes: dict[tuple[int, int], xr.Dataset]) -> Files:
    """As the authors made them: cropped, then rotated as arrays, positions clockwise and vectors counter-clockwise."""
    files = {}
    for (level, j), plume in plumes.items():
        x, y = np.moveaxis(lower_faces(plume), 1, 0)
        for _ in range(j):
            x, y = -y, x  # vectors counter-clockwise
            x, y = np.rot90(x, 1, (1, 2)), np.rot90(y, 1, (1, 2))  # rows go up, so that this is clockwise
        files[f"equivariance_test/E_{level}/data_{j}.pt"] = np.stack([x, y], axis=1)
    return files


def packed(values: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(torch.from_numpy(np.ascontiguousarray(values)) if isinstance(values, np.ndarray) else values, buffer)
    return buffer.getvalue()


def archive(path: Path, files: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w") as target:
        for name, values in files.items():
            target.writestr(name, values if isinstance(values, bytes) else packed(values))
    return path


def folder(path: Path, files: dict[str, Any]) -> Path:
    for name, values in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(values if isinstance(values, bytes) else packed(values))
    return path


def imported(source: Path, target: Path) -> xr.Dataset:
    (path,) = phigen.import_dataset(source, target)
    return open_dataset(path)


@pytest.mark.slow
def test_what_is_exported_and_imported_measures_exactly_alike(eq10: Path, tmp_path: Path) -> None:
    original = open_dataset(eq10)
    back = imported(phigen.export(eq10, tmp_path / "out", format="wang2022"), tmp_path / "back.zarr")
    xr.testing.assert_identical(measure_wang2022(back), measure_wang2022(original))
    for name in ("level", "orbit", "element", "strength", "split", "inflow_x", "inflow_y", "inflow_radius", "time"):
        np.testing.assert_array_equal(back[name].values, original[name].values)
    assert np.abs(back["velocity"].values - original["velocity"].values).max() < 1e-5
    errors = summarize(measure(back))["mae"].sel(variable="velocity")
    assert errors[0] == 0
    np.testing.assert_allclose(errors, summarize(measure(original))["mae"].sel(variable="velocity"), rtol=1e-6)


def test_stored_faces_come_back_bit_for_bit(simulated: xr.Dataset, tmp_path: Path) -> None:
    back = imported(phigen.export(simulated, tmp_path / "out", format="wang2022"), tmp_path / "back.zarr")
    for name in FACES:
        np.testing.assert_array_equal(back[name].values, simulated[name].values)
    np.testing.assert_allclose(back["velocity"], simulated["velocity"], atol=1e-6)
    assert float(back["divergence"].max()) < 1e-5
    xr.testing.assert_identical(measure_wang2022(back), measure_wang2022(simulated))


def test_the_authors_files_measure_as_published(originals: Files, simulated: xr.Dataset, tmp_path: Path) -> None:
    back = imported(archive(tmp_path / "equivariance_test.zip", originals), tmp_path / "back.zarr")
    errors = measure_wang2022(back)["mae"].values
    assert errors.round(3).tolist() == [0, 0.313, 0.896]
    np.testing.assert_allclose(errors, measure_wang2022(simulated)["mae"].values, rtol=1e-12)
    assert summarize(measure(back))["mae"].sel(level=0).values.tolist() == [0, 0]


def test_wrong_signs_are_undone(originals: Files, plumes: dict[tuple[int, int], xr.Dataset], tmp_path: Path) -> None:
    """The arrays were rotated clockwise: data_1 is the plume rotated by 270 degrees, with the wrong sign."""
    back = imported(archive(tmp_path / "equivariance_test.zip", originals), tmp_path / "back.zarr")
    assert back["element"].values[:4].tolist() == ["identity", "rotate270", "rotate180", "rotate90"]
    assert back["inflow_x"].values[:4].tolist() == [32, 5, 32, 59]
    assert back["strength"].values[8:].tolist() == [0.01, 0.055, 0.1, 0.145]
    for run, (plume, g) in enumerate(zip(plumes.values(), back["element"].values, strict=True)):
        expected = turn(plume, g)
        for name in FACES:
            np.testing.assert_array_equal(back[name].isel(run=run).values, expected[name].values)


def test_wrong_signs_of_runs_in_the_right_orientation_are_undone_too(simulated: xr.Dataset, tmp_path: Path) -> None:
    files = {
        f"E_{run // 4}/raw_data_{run % 4}.pt": lower_faces(simulated.isel(run=run)) * (-1) ** (run % 2)
        for run in range(12)
    }
    back = imported(folder(tmp_path / "unpacked", files), tmp_path / "back.zarr")
    np.testing.assert_array_equal(back["element"].values, simulated["element"].values)
    for name in FACES:
        np.testing.assert_array_equal(back[name].values, simulated[name].values)


def test_zip_folder_of_zips_and_unpacked_folder_are_one(originals: Files, tmp_path: Path) -> None:
    some = {name: values for name, values in originals.items() if "E_9" in name}
    renamed = {name.replace("/data_", "/raw_data_"): values for name, values in some.items()}
    (tmp_path / "zips" / "deep").mkdir(parents=True)
    sources = [
        archive(tmp_path / "equivariance_test.zip", {"equivariance_test/": b"", "__MACOSX/x": b"", **some}),
        archive(tmp_path / "zips" / "deep" / "e.zip", renamed).parent.parent,
        folder(tmp_path / "unpacked", renamed | {"README.md": b"hello"}),
        folder(tmp_path / "E_9", {name.split("/")[-1]: values for name, values in some.items()}),
    ]
    for number, source in enumerate(sources):
        back = imported(source, tmp_path / f"{number}.zarr")
        assert back["level"].values.tolist() == [9] * 4
        assert round(float(measure_wang2022(back)["mae"][0]), 3) == 0.896


def closed(seed: int, frames: int = 3) -> np.ndarray:
    """Lower faces of noise in a closed box."""
    values = np.random.default_rng(seed).normal(size=(frames, 2, 64, 64)).astype(np.float32)
    values[:, 0, :, 0] = 0
    values[:, 1, 0] = 0
    return values


def test_the_other_sets_are_told_apart_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "Rotation": {f"Rotation/raw_data_{k}_{(k - 1) % 4}.pt": closed(k) for k in range(1, 9)},
        "Translation": {f"Translation/raw_data_{x}_{y}.pt": closed(x) for x in (8, 16) for y in (5, 10)},
        "Scale": {f"raw_data_{i}.pt": closed(i, 2) for i in (0, 1, 5)},
    }
    (tmp_path / "Smoke").mkdir()
    for name, members in files.items():
        archive(tmp_path / "Smoke" / f"{name}.zip", members)
    monkeypatch.chdir(tmp_path)
    calls: list[tuple[str, int, int]] = []
    paths = phigen.import_dataset("Smoke", progress=lambda *call: calls.append(call))
    assert calls == [("importing", done, 15) for done in range(16)]
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == [
        f"datasets/wang2022_{name}.zarr" for name in ("rotation", "translation", "scaling")
    ]
    rotation, translation, scaling = map(open_dataset, paths)
    assert rotation["element"].values.tolist() == [*POINT_GROUPS["C4"]] * 2
    assert rotation["orbit"].values.tolist() == [0] * 4 + [1] * 4
    assert rotation["strength"].values.tolist() == [0.01, 0.02, 0.033, 0.04, 0.05, 0.06, 0.077, 0.08]
    assert rotation["split"].values.tolist() == ["train"] * 4 + ["test"] * 2 + ["train"] * 2
    assert rotation["time"].values.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(lower_faces(rotation.isel(run=5)), closed(6))
    assert not rotation["velocity_x"].values[..., -1].any()
    assert translation["element"].values.tolist() == ["identity", "shift(0, 5)", "shift(8, 0)", "shift(8, 5)"]
    assert translation["inflow_x"].values.tolist() == [8, 8, 16, 16]
    assert translation["time"].values.tolist() == [0, 1, 2]
    assert scaling["element"].values.tolist() == ["identity", "scale(1.1)", "scale(1.5)"]
    assert scaling["dx"].values.tolist() == [1, 1.1, 1.5]
    assert [set(summarize(measure(d))["variable"].values) for d in (rotation, translation, scaling)] == [
        {"velocity", "faces"}
    ] * 3
    assert phigen.export(paths[0], "again", format="wang2022").is_dir()
    for k in range(1, 9):
        loaded = torch.load(f"again/Rotation/raw_data_{k}_{(k - 1) % 4}.pt").numpy()
        np.testing.assert_array_equal(loaded, closed(k))


def test_files_of_older_torch_are_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save(torch.from_numpy(closed(0)), buffer, _use_new_zipfile_serialization=False)
    back = imported(archive(tmp_path / "Scale.zip", {"raw_data_0.pt": buffer.getvalue()}), tmp_path / "back.zarr")
    np.testing.assert_array_equal(lower_faces(back.isel(run=0)), closed(0))


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def inflated() -> bytes:
    """A file of torch's whose storage unpacks to more than any run has."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(packed(closed(0)))) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for part in source.infolist():
            bomb.writestr(part.filename, bytes(100_000_000) if "data/0" in part.filename else source.read(part))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["pickle", "torch", "inside a list"])
def test_code_in_a_file_is_refused_and_not_run(kind: str, tmp_path: Path) -> None:
    evil = Evil(f"touch {tmp_path / 'ran'}")
    data = pickle.dumps(evil) if kind == "pickle" else packed(evil if kind == "torch" else [closed(0), evil])
    source = archive(tmp_path / "Scale.zip", {"Scale/raw_data_0.pt": data})
    with pytest.raises(FormatError, match=r"'Scale/raw_data_0\.pt': is not a plain torch tensor, got .*; remove it"):
        phigen.import_dataset(source, tmp_path / "out.zarr")
    assert {file.name for file in tmp_path.iterdir()} == {"Scale.zip"}


NOT_A_RUN: dict[str, tuple[Any, str]] = {
    "nothing": (b"", "is not a plain torch tensor"),
    "text": (b"hello", "is not a plain torch tensor"),
    "a dict": ({"data": torch.zeros(3, 2, 64, 64)}, "is not a plain torch tensor, got dict"),
    "a sparse tensor": (torch.zeros(3, 2, 64, 64).to_sparse(), "is not a plain torch tensor"),
    "double precision": (closed(0).astype(np.float64), r"is not a run of the published sets, got torch\.float64"),
    "another grid": (closed(0)[..., :32], r"a run must be \(frames, 2, 64, 64\), got \(3, 2, 64, 32\)"),
    "no frames": (closed(0)[:0], r"a run must be \(frames, 2, 64, 64\), got \(0, 2, 64, 64\)"),
    "one number": (torch.tensor(1.0), r"a run must be \(frames, 2, 64, 64\), got \(\)"),
    "not finite": (closed(0) * np.float32(np.nan), "holds values that are not finite"),
    "few bytes that are many": (torch.zeros(1).expand(10**9, 2, 64, 64), "is not a run of the published sets"),
    "a bomb in the tensor": (inflated(), "is not a plain torch tensor"),
}


@pytest.mark.parametrize("kind", NOT_A_RUN)
def test_what_is_no_run_is_one_line_with_its_name(kind: str, tmp_path: Path) -> None:
    values, fault = NOT_A_RUN[kind]
    source = archive(tmp_path / "Scale.zip", {"Scale/raw_data_0.pt": values})
    with pytest.raises(FormatError, match=f"'Scale/raw_data_0.pt': {fault}") as caught:
        phigen.import_dataset(source, tmp_path / "out.zarr")
    assert "\n" not in str(caught.value)
    assert {file.name for file in tmp_path.iterdir()} == {"Scale.zip"}


def linked() -> zipfile.ZipInfo:
    member = zipfile.ZipInfo("Scale/link")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


OUTSIDE = {
    "above": ("../Scale/raw_data_1.pt", r"'\.\./Scale/raw_data_1\.pt' would be unpacked outside"),
    "above from inside": ("Scale/../../raw_data_1.pt", r"would be unpacked outside"),
    "absolute": ("/Scale/raw_data_1.pt", r"'/Scale/raw_data_1\.pt' would be unpacked outside"),
    "backslashes": ("..\\Scale\\raw_data_1.pt", r"would be unpacked outside"),
    "a drive": ("C:\\Scale\\raw_data_1.pt", r"would be unpacked outside"),
    "lines": ("../a\nb", r"'\.\./a\\nb' would be unpacked outside"),
    "a link": (linked(), "'Scale/link' is a link"),
}


@pytest.mark.parametrize("kind", OUTSIDE)
def test_paths_that_leave_the_target_are_refused(kind: str, tmp_path: Path) -> None:
    name, fault = OUTSIDE[kind]
    source = archive(tmp_path / "Scale.zip", {"Scale/raw_data_0.pt": closed(0)})
    with zipfile.ZipFile(source, "a") as target:
        target.writestr(name, b"/etc/passwd")
    before = files_of(tmp_path)
    with pytest.raises(FormatError, match=fault) as caught:
        phigen.import_dataset(source, tmp_path / "out.zarr")
    assert "\n" not in str(caught.value)
    assert files_of(tmp_path) == before


def test_a_bomb_is_refused_by_the_size_that_it_declares(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "Scale.zip", "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("Scale/raw_data_0.pt", bytes(200_000_000))
    with pytest.raises(FormatError, match=r"'Scale/raw_data_0\.pt' is too large for a run, 200,000,000 bytes unpacked"):
        phigen.import_dataset(tmp_path / "Scale.zip", tmp_path / "out.zarr")
    large = folder(tmp_path / "unpacked", {"Scale/raw_data_0.pt": b""}) / "Scale" / "raw_data_0.pt"
    os.truncate(large, 10**10)
    with pytest.raises(FormatError, match=r"raw_data_0\.pt: is too large for a run, got more than 64,000,000 bytes"):
        phigen.import_dataset(tmp_path / "unpacked", tmp_path / "out.zarr")


def test_a_damaged_archive_is_one_line(tmp_path: Path) -> None:
    source = archive(tmp_path / "Scale.zip", {"Scale/raw_data_0.pt": closed(0)})
    bits = bytearray(source.read_bytes())
    bits[len(bits) // 2] ^= 1
    source.write_bytes(bits)
    with pytest.raises(FormatError, match=r"'Scale/raw_data_0\.pt': cannot be read, Bad CRC-32"):
        phigen.import_dataset(source, tmp_path / "out.zarr")
    source.write_bytes(bits[: len(bits) // 2])
    with pytest.raises(FormatError, match="cannot be read as a zip file, File is not a zip file; download it again"):
        phigen.import_dataset(source, tmp_path / "out.zarr")
    assert {file.name for file in tmp_path.iterdir()} == {"Scale.zip"}


def test_what_does_not_fit_together_is_refused(tmp_path: Path) -> None:
    level = {f"E_0/data_{j}.pt": closed(j) for j in range(4)}
    for number, (files, fault) in enumerate(
        (
            ({"notes/raw_data_0.pt": closed(0)}, "holds none of the published sets"),
            ({f"E_{'9' * 200}/data_0.pt": closed(0)}, "holds none of the published sets"),
            ({"E_0/data_0.pt": closed(0), "E_0/data_2.pt": closed(0)}, r"raw_data_1\.pt is missing beside it"),
            (level | {"E_0/raw_data_2.pt": closed(0)}, "is the same run as"),
            (level | {"E_0/data_3.pt": closed(3, 2)}, "as many frames as the first file of its set, 3, got 2"),
            (
                level | {"Scale/raw_data_0.pt": closed(0)},
                "holds 2 sets, wang2022_equivariance_test, wang2022_scaling; ",
            ),
        )
    ):
        with pytest.raises(FormatError, match=fault):
            phigen.import_dataset(folder(tmp_path / str(number), files), tmp_path / "out.zarr")
    with pytest.raises(FormatError, match="no such file or folder"):
        phigen.import_dataset(tmp_path / "none", tmp_path / "out.zarr")
    with pytest.raises(FormatError, match="format: cannot be imported, got 'well'"):
        phigen.import_dataset(tmp_path / "0", tmp_path / "out.zarr", format="well")
    assert not (tmp_path / "out.zarr").exists()


def test_what_lies_on_the_hub_is_downloaded_first(hub: Hub, hub_server: HubServer, tmp_path: Path) -> None:
    zipped = archive(tmp_path / "Scale.zip", {"raw_data_0.pt": closed(0), "raw_data_1.pt": closed(1)})
    hub_server.create(hub.repository, {"Smoke/Scale.zip": zipped.read_bytes(), "README.md": b"originals"})
    there = f"hf://datasets/{hub.repository}"
    for number, source in enumerate((there, f"{there}/Smoke", f"{there}@main/Smoke/Scale.zip", zipped)):
        phigen.import_dataset(source, tmp_path / f"{number}.zarr")
    fields = [open_dataset(tmp_path / f"{number}.zarr")["velocity"].values for number in range(4)]
    assert all(np.array_equal(field, fields[-1]) for field in fields)
    with pytest.raises(HubError, match="there is no such dataset"):
        phigen.import_dataset(f"{there}-missing", tmp_path / "out.zarr")
    with pytest.raises(HubError, match="is not an address on the Hub"):
        phigen.import_dataset("hf://models/gpt2", tmp_path / "out.zarr")


def test_an_interrupted_import_leaves_nothing_and_what_is_there_stays(tmp_path: Path) -> None:
    source = folder(tmp_path / "s", {f"Scale/raw_data_{i}.pt": closed(i) for i in range(3)})

    def interrupt(what: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        phigen.import_dataset(source, tmp_path / "out.zarr", progress=interrupt)
    assert {file.name for file in tmp_path.iterdir()} == {"s"}
    (tmp_path / "out.zarr").write_text("mine")
    with pytest.raises(FormatError, match=r"out\.zarr: exists already; delete it"):
        phigen.import_dataset(source, tmp_path / "out.zarr")


def test_an_imported_dataset_is_as_any_other(originals: Files, tmp_path: Path) -> None:
    source = archive(tmp_path / "equivariance_test.zip", originals)

    command = [sys.executable, "-W", "error", "-m", "phigen", "import", "wang2022", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path)
    path = tmp_path / "datasets" / "wang2022_equivariance_test.zarr"
    assert (done.stdout, done.stderr) == (f"{path}\n", "")
    facts, dataset = describe(path), open_dataset(path)
    assert (facts["runs"], facts["levels"], facts["license"]) == (12, [0, 2, 9], "unknown")
    assert [named["file"] for named in facts["source"]] == ["equivariance_test.zip"]
    assert "recipe_sha256" not in facts
    assert phigen.preview(dataset, tmp_path / "p.png").exists()
    with pytest.raises(MeasureError, match="has no rounding floor, its attributes hold no recipe"):
        phigen.rounding_floor(dataset)
    with pytest.raises(StoreError, match="was imported, not built from a recipe; choose another place"):
        build("rotation_eq3", path)
    next(file for file in (path / "velocity" / "c" / "3").rglob("*") if file.is_file()).unlink()
    with pytest.raises(StoreError, match=r"is damaged, got no file, .*; delete it and import it again"):
        open_dataset(path)
