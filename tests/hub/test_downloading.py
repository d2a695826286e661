"""A download has every byte that was published, only what was asked for, and reports any difference."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import phigen
from phigen.building.builder import build
from phigen.errors import HubError, StoreError
from phigen.hub.copies import cached
from phigen.hub.downloading import download
from phigen.hub.publishing import publish
from phigen.hub.reference import Reference
from phigen.recipe.loading import parse
from phigen.store.summary import describe
from tests.shared.files import files_of
from tests.shared.hub.server import HubServer
from tests.shared.recipes import TWO_ORBITS
from tests.shared.requests import Hub, PublishOnce


def test_a_round_trip_is_byte_identical(published: str, two_orbits: Path, tmp_path: Path) -> None:
    done = download(published, tmp_path / "copy")
    assert done.path == tmp_path / "copy" / "store.zarr"
    assert files_of(done.path) == files_of(two_orbits)
    assert (done.runs, done.repaired) == (16, ())


def test_without_a_folder_it_goes_to_the_cache_where_open_finds_it(
    published: str, two_orbits: Path, hub_server: HubServer
) -> None:
    done = download(published)
    assert done.path == cached(Reference.parse(published)) / "store.zarr"
    hub_server.reset()
    xr.testing.assert_identical(phigen.open(f"hf://datasets/{published}").load(), phigen.open(two_orbits).load())
    assert not hub_server.requests


def test_the_same_again_fetches_nothing(published: str, tmp_path: Path, hub_server: HubServer) -> None:
    download(published, tmp_path / "copy")
    hub_server.reset()
    again = download(published, tmp_path / "copy")
    assert (again.files, again.bytes) == (0, 0)
    assert not [request for request in hub_server.requests if "/resolve/" in request.path]


def test_one_level_fetches_its_runs_only(
    published: str, two_orbits: Path, tmp_path: Path, hub_server: HubServer
) -> None:
    hub_server.reset()
    done = download(published, tmp_path / "copy", levels=[1])
    runs = {
        int(path.split("/")[2])
        for path in hub_server.fetched_from_store()
        if "/c/" in path and path.startswith("velocity")
    }
    whole = phigen.open(two_orbits)
    assert runs == set(np.flatnonzero(whole["level"].values == 1).tolist())
    assert done.runs == 8
    part = phigen.open(tmp_path / "copy")
    xr.testing.assert_identical(part.load(), whole.isel(run=whole["level"] == 1).load())
    assert not np.isnan(part["velocity"].values).any()


def test_one_split_holds_its_runs_only(published: str, two_orbits: Path, tmp_path: Path) -> None:
    download(published, tmp_path / "copy", split="test")
    whole = phigen.open(two_orbits)
    xr.testing.assert_identical(phigen.open(tmp_path / "copy").load(), whole.isel(run=whole["split"] == "test").load())


@pytest.mark.parametrize(
    ("asked", "shards"),
    [({"levels": [1]}, {2, 3, 4, 5}), ({"split": "test"}, {1, 2, 4, 5}), ({"levels": [0], "split": "train"}, {0, 1})],
)
def test_only_shards_that_hold_runs_that_are_asked_for_are_fetched(
    publish_once: PublishOnce,
    sharded: Path,
    tmp_path: Path,
    hub_server: HubServer,
    asked: dict[str, Any],
    shards: set[int],
) -> None:
    """Two levels of two orbits of four runs, in shards of three, which lie across levels and splits here."""
    reference = str(publish_once(sharded))
    hub_server.reset()
    done = download(reference, tmp_path / "copy", **asked)
    fetched = {tuple(path.split("/")[:3]) for path in hub_server.fetched_from_store() if "/c/" in path}
    for name in ("smoke", "velocity"):
        assert {int(number) for field, _, number in fetched if field == name} == shards
    whole = phigen.open(sharded)
    wanted = np.isin(whole["level"], asked.get("levels", [0, 1]))
    wanted &= np.isin(whole["split"], asked.get("split", ["train", "test"]))
    part = phigen.open(done.path)
    assert done.runs == part.sizes["run"] == wanted.sum()
    xr.testing.assert_identical(part.load(), whole.isel(run=wanted).load())
    assert download(reference, tmp_path / "copy", split="test").runs == (wanted | (whole["split"] == "test")).sum()
    assert files_of(download(reference, tmp_path / "copy").path) == files_of(sharded)


def test_what_is_added_later_joins_what_is_there(published: str, two_orbits: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    download(published, folder, levels=[0], split="train")
    assert phigen.open(folder).sizes["run"] == 4
    assert download(published, folder, levels=[1]).runs == 12
    assert download(published, folder).runs == 16
    assert files_of(folder / "store.zarr") == files_of(two_orbits)
    assert download(published, folder, levels=[1]).runs == 16


def test_a_whole_copy_that_has_lost_a_file_keeps_its_other_runs(
    published: str, two_orbits: Path, tmp_path: Path
) -> None:
    store = download(published, tmp_path / "copy").path
    lost = next((store / "velocity/c/0").rglob("*"))
    shutil.rmtree(lost)
    assert download(published, tmp_path / "copy", levels=[1]).runs == 15
    assert phigen.open(store).sizes["run"] == 15
    assert download(published, tmp_path / "copy").runs == 16
    assert files_of(store) == files_of(two_orbits)


def test_downloads_to_one_folder_at_a_time_join(published: str, two_orbits: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda level: download(published, tmp_path / "copy", levels=[level]), [0, 1]))
    assert sorted(one.runs for one in done) == [8, 16]
    assert not any(one.repaired for one in done)
    assert files_of(done[0].path) == files_of(two_orbits)


def test_a_copy_of_a_repository_is_downloaded_under_its_own_name(
    published: str, tmp_path: Path, hub_server: HubServer
) -> None:
    name, _, tag = published.partition("@")
    hub_server.state.repositories[f"{name}-twin"] = deepcopy(hub_server.state.repositories[name])
    download(f"{name}-twin@{tag}", tmp_path / "copy", levels=[0])
    assert download(f"{name}-twin@{tag}", tmp_path / "copy").runs == 16
    download(f"{name}-twin@{tag}")
    assert not download(f"{name}-twin@{tag}").files


def test_a_folder_that_cannot_be_made_is_one_line(published: str) -> None:
    with pytest.raises(HubError, match=r"/proc/none: cannot be written, .*; choose another folder with --out"):
        download(published, "/proc/none")


def test_a_copy_of_some_runs_says_so_and_is_not_published(published: str, tmp_path: Path, hub: Hub) -> None:
    folder = tmp_path / "copy"
    download(published, folder, levels=[0])
    facts = describe(folder / "store.zarr")
    assert (facts["runs"], facts["runs_stored"], facts["levels"]) == (16, 8, [0.0])
    with pytest.raises(StoreError, match="holds only some"):
        publish(folder / "store.zarr", hub.repository, version="2.0.0")


def test_a_build_completes_a_copy_of_some_runs(published: str, two_orbits: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    download(published, folder, levels=[0])
    assert build(parse(TWO_ORBITS), folder / "store.zarr", workers=1).written == 8
    assert files_of(folder / "store.zarr") == files_of(two_orbits)


def test_a_build_of_a_copy_that_has_all_runs_opens_them(published: str, two_orbits: Path, tmp_path: Path) -> None:
    store = download(published, tmp_path / "copy", levels=[1]).path
    shutil.copytree(two_orbits, store, dirs_exist_ok=True)
    build(parse(TWO_ORBITS), store, workers=1)
    assert phigen.open(store).sizes["run"] == 16


def test_an_interrupted_download_is_noticed_and_goes_on(
    published: str, two_orbits: Path, tmp_path: Path, hub_server: HubServer
) -> None:
    hub_server.fail("GET .*/resolve/.*velocity/c/5", status=403, times=100)
    with pytest.raises(HubError):
        download(published, tmp_path / "copy")
    with pytest.raises(StoreError, match=r"got no file, .* download, again"):
        phigen.open(tmp_path / "copy")
    hub_server.reset()
    done = download(published, tmp_path / "copy")
    assert 0 < done.files < len(files_of(two_orbits))
    assert files_of(done.path) == files_of(two_orbits)


def test_a_dropped_connection_in_mid_file_goes_on(
    published: str, two_orbits: Path, tmp_path: Path, hub_server: HubServer
) -> None:
    hub_server.drop("GET .*velocity/c/3", after=1000)
    assert files_of(download(published, tmp_path / "copy").path) == files_of(two_orbits)


@pytest.mark.parametrize("file", ["store.zarr/velocity/c/3/", "store.zarr/manifest.json", "files.json", "recipe.yaml"])
def test_a_wrong_byte_is_named_and_fetched_again(
    published: str, two_orbits: Path, tmp_path: Path, hub_server: HubServer, file: str
) -> None:
    hub_server.corrupt(f"GET .*{file}", offset=60)
    done = download(published, tmp_path / "copy")
    assert len(done.repaired) == 1
    assert done.repaired[0].startswith(file)
    assert files_of(done.path) == files_of(two_orbits)


def test_a_byte_that_is_wrong_twice_is_refused_and_not_kept(
    published: str, tmp_path: Path, hub_server: HubServer
) -> None:
    hub_server.corrupt("GET .*velocity/c/3/", offset=60, times=2)
    with pytest.raises(HubError, match=r"store\.zarr/velocity/c/3/.* arrived twice with other bytes"):
        download(published, tmp_path / "copy")
    with pytest.raises(StoreError, match="got no file"):
        phigen.open(tmp_path / "copy")
    assert download(published, tmp_path / "copy").repaired == ()


def test_a_byte_that_went_wrong_on_disk_is_fetched_again(published: str, two_orbits: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    download(published, folder)
    shard = next(file for file in sorted((folder / "store.zarr" / "smoke" / "c" / "2").rglob("*")) if file.is_file())
    data = bytearray(shard.read_bytes())
    data[100] ^= 1
    shard.write_bytes(data)
    again = download(published, folder)
    assert again.repaired == (shard.relative_to(folder).as_posix(),)
    assert files_of(folder / "store.zarr") == files_of(two_orbits)


def test_too_many_requests_are_waited_for_or_said(published: str, tmp_path: Path, hub_server: HubServer) -> None:
    hub_server.fail("GET .*/refs", status=429, times=100)
    with pytest.raises(HubError, match="too many requests"):
        download(published, tmp_path / "copy")


@pytest.mark.parametrize(
    ("reference", "match"),
    [("@v9.9.9", r"no such version, published are v1\.0\.0"), ("@latest", "'latest' is not a semantic version")],
)
def test_a_version_that_is_not_there_is_refused_with_those_that_are(published: str, reference: str, match: str) -> None:
    with pytest.raises(HubError, match=match):
        download(published.partition("@")[0] + reference)


def test_a_level_or_split_that_is_not_there_is_refused_with_those_that_are(published: str, tmp_path: Path) -> None:
    with pytest.raises(HubError, match="has no level 7, only 0, 1"):
        download(published, tmp_path / "copy", levels=[7])
    with pytest.raises(HubError, match="has no split validation, only test, train"):
        download(published, tmp_path / "copy", split="validation")


def test_a_choice_without_runs_is_refused(published: str, tmp_path: Path) -> None:
    with pytest.raises(HubError, match="has no runs of the levels and the split asked for; leave out one of them"):
        download(published, tmp_path / "copy", levels=[])


def test_a_file_in_place_of_the_folder_is_left_alone(published: str, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("the only copy")
    with pytest.raises(HubError, match=r"thesis\.tex: is a file; choose another folder with --out"):
        download(published, tmp_path / "thesis.tex")
    assert (tmp_path / "thesis.tex").read_text() == "the only copy"


def test_a_folder_that_holds_something_else_is_left_alone(published: str, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("the only copy")
    with pytest.raises(HubError, match=f"holds something else, not {published}"):
        download(published, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_repository_of_something_else_is_no_dataset_of_phigens(
    hub: Hub, hub_server: HubServer, tmp_path: Path
) -> None:
    hub_server.create(hub.repository, {"README.md": b"cats"})
    with pytest.raises(HubError, match="has no published version"):
        download(hub.repository, tmp_path / "copy")
    hub_server.tag(hub.repository, "v1.0.0")
    with pytest.raises(HubError, match=r"has no files\.json"):
        download(f"{hub.repository}@v1.0.0", tmp_path / "copy")
    with pytest.raises(HubError, match=r"holds no zarr\.json, so it was not published by phigen"):
        phigen.open(f"hf://datasets/{hub.repository}@v1.0.0")


def test_the_list_names_every_file_with_size_and_sha256(published: str, tmp_path: Path) -> None:
    folder = download(published, tmp_path / "copy").path.parent
    listed = json.loads((folder / "files.json").read_text())["files"]
    here = {name for name in files_of(folder) if not name.startswith(".cache/")}
    assert here == listed.keys() | {"files.json"}
