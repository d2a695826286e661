"""What opens is what was built, wherever it is: here, in the cache, or on the Hub."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import phigen
from phigen.errors import HubError, UnreachableError
from phigen.hub.downloading import download
from phigen.hub.opening import beside, located
from phigen.hub.publishing import publish
from tests.shared.hub.server import HubServer
from tests.shared.requests import Hub

LATE = ("huggingface_hub", "jax", "phi", "matplotlib", "scipy", "torch", "distributed", "pydantic")


def test_opening_a_local_dataset_loads_only_what_reads_it(without_floor: Path) -> None:
    code = f"""
import sys
import phigen
print(phigen.open({str(without_floor)!r}).sizes["run"], *(name for name in {LATE} if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["8"], done.stderr


def test_what_is_made_from_a_dataset_is_beside_it(tmp_path: Path) -> None:
    copy = tmp_path / "copy.v1"
    copy.mkdir()
    (copy / "files.json").write_text("{}")
    assert beside(str(tmp_path / "small.zarr"), ".png") == tmp_path / "small.png"
    assert beside(str(copy), ".png") == tmp_path / "copy.v1.png"
    assert beside("hf://datasets/owner/name@v1.0.0", ".png") == Path("name.png")


def test_a_downloaded_folder_is_located_at_its_store(tmp_path: Path) -> None:
    assert located(tmp_path) == tmp_path
    (tmp_path / "files.json").write_text("{}")
    assert located(tmp_path) == tmp_path / "store.zarr"
    with pytest.raises(HubError, match=r"run phigen download owner/name@v1\.0\.0 first"):
        located("hf://datasets/owner/name@v1.0.0")


def test_the_copy_opens_as_what_was_built(published: str, two_orbits: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    download(published, folder)
    xr.testing.assert_identical(phigen.open(folder).load(), phigen.open(two_orbits).load())
    xr.testing.assert_identical(phigen.open(folder / "store.zarr").load(), phigen.open(two_orbits).load())


def test_without_a_version_it_is_the_newest_and_it_says_which(published: str, two_orbits: Path) -> None:
    name = published.partition("@")[0]
    for version in ("1.10.0", "1.9.0", "2.0.0-rc.1"):
        publish(two_orbits, name, version=version)
    assert str(download(name).reference) == f"{name}@v1.10.0"
    with pytest.warns(UserWarning, match=r"no version was named, this is v1\.10\.0"):
        phigen.open(f"hf://datasets/{name}")


@pytest.mark.parametrize("function", [phigen.open, phigen.measure])
def test_the_warning_that_no_version_was_named_points_at_the_users_line(
    published: str, function: Callable[[str], xr.Dataset]
) -> None:
    with pytest.warns(UserWarning, match="no version was named") as caught:
        function(f"hf://datasets/{published.partition('@')[0]}")
    assert caught[0].filename == __file__


def test_without_a_version_and_without_a_copy_the_newest_is_streamed(published: str, hub_server: HubServer) -> None:
    with pytest.warns(UserWarning, match=r"no version was named, this is v1\.0\.0"):
        assert phigen.open(f"hf://datasets/{published.partition('@')[0]}").sizes["run"] == 16
    assert "zarr.json" in hub_server.fetched_from_store()


def test_what_is_streamed_is_what_was_built(published: str, two_orbits: Path, hub_server: HubServer) -> None:
    streamed, here = phigen.open(f"hf://datasets/{published}"), phigen.open(two_orbits)
    hub_server.reset()
    window = streamed["velocity"].isel(run=3, time=slice(0, 2)).values
    assert np.array_equal(window, here["velocity"].isel(run=3, time=slice(0, 2)).values)
    assert {path for path in hub_server.fetched_from_store() if path} <= {
        "zarr.json",
        "velocity/zarr.json",
        "velocity/c/3/0/0/0/0",
    }
    assert phigen.summarize(phigen.measure(streamed)).identical(phigen.summarize(phigen.measure(here)))


def cut_off(server: HubServer) -> None:
    """Answer nothing from now on."""
    server.drop(".*", after=0, times=1000)


def test_without_the_hub_a_copy_that_has_all_that_is_asked_for_is_enough(
    published: str, tmp_path: Path, hub_server: HubServer
) -> None:
    download(published, tmp_path / "copy", levels=[0])
    download(published)
    cut_off(hub_server)
    name = published.partition("@")[0]
    assert str(download(name, tmp_path / "copy", levels=[0]).reference) == published
    assert str(download(name).reference) == published
    with pytest.raises(UnreachableError, match=r"the copy in .*copy lacks what is asked for"):
        download(published, tmp_path / "copy")
    with pytest.warns(UserWarning, match=r"no version was named, this is v1\.0\.0"):
        assert phigen.open(f"hf://datasets/{name}").sizes["run"] == 16


def test_without_the_hub_and_without_a_copy_the_hub_cannot_be_reached(
    published: str, tmp_path: Path, hub_server: HubServer
) -> None:
    download(published, levels=[0])
    cut_off(hub_server)
    name = published.partition("@")[0]
    for failing in (
        lambda: download(name, tmp_path / "copy"),
        lambda: download(published, tmp_path / "copy"),
        lambda: phigen.open(f"hf://datasets/{name}"),
        lambda: phigen.open(f"hf://datasets/{published}"),
    ):
        with pytest.raises(UnreachableError, match="the Hub cannot be reached"):
            failing()


OFFLINE = """
import sys, warnings
import phigen
from phigen.hub.downloading import download
reference = sys.argv[1]
print(download(reference).reference)
warnings.simplefilter("ignore")
print(phigen.open(f"hf://datasets/{reference}").sizes["run"])
print(phigen.open(f"hf://datasets/{reference.partition('@')[0]}").sizes["run"])
"""


def test_offline_a_cached_copy_works(published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    download(published)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done = subprocess.run([sys.executable, "-c", OFFLINE, published], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [published, "16", "16"]


def test_offline_without_a_copy_is_one_line(published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    command = [sys.executable, "-m", "phigen", "download", published]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{published}: the Hub cannot be reached")
    assert done.stderr.count("\n") == 1


def test_offline_a_copy_of_some_runs_does_not_pass_for_all(published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    download(published, levels=[0])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    command = [sys.executable, "-m", "phigen", "download", published]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "lacks what is asked for" in done.stderr
    assert subprocess.run([*command, "--level", "0"], check=False).returncode == 0


def test_a_private_dataset_is_not_told_from_a_missing_one_without_a_token(
    hub: Hub, two_orbits: Path, hub_server: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(two_orbits, hub.repository, private=True)
    download(hub.repository, tmp_path / "mine")
    monkeypatch.delenv("HF_TOKEN")
    for name in (hub.repository, f"{hub.repository}-missing"):
        with pytest.raises(HubError, match="no such dataset, or it is private"):
            download(name, tmp_path / "copy")
        with pytest.raises(HubError, match="no such dataset, or it is private"):
            phigen.open(f"hf://datasets/{name}@v1.0.0")


def test_a_gated_dataset_says_how_to_get_access(
    published: str, hub_server: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub_server.gate(published.partition("@")[0], "friend")
    monkeypatch.setenv("HF_TOKEN", hub_server.user("stranger"))
    with pytest.raises(HubError, match="is gated"):
        download(published, tmp_path / "copy")
    with pytest.raises(HubError, match="is gated"):
        phigen.open(f"hf://datasets/{published}")
    monkeypatch.setenv("HF_TOKEN", hub_server.user("friend"))
    assert download(published, tmp_path / "copy").runs == 16
