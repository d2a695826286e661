"""A version is published whole or not at all, and never changes; what stops a publication costs nothing."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import xarray as xr

from phigen.building.builder import build
from phigen.errors import HubError, StoreError
from phigen.hub import repository, versions
from phigen.hub.publishing import publish
from phigen.hub.reference import Reference
from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from phigen.store import reading as store
from tests.shared.files import files_of, in_store
from tests.shared.hub.repositories import Blob
from tests.shared.hub.server import HubServer
from tests.shared.recipes import SMALL, WITHOUT_FLOOR
from tests.shared.requests import Hub, PublishOnce
from tests.shared.stores import reopen


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another dataset of the same name and version."""
    recipe = parse(WITHOUT_FLOOR.replace("strength: 0.1", "strength: 0.11"), "other.yaml")
    return build(recipe, tmp_path_factory.mktemp("other") / "small.zarr", workers=1).path


def test_what_is_published_is_the_store_byte_for_byte(hub: Hub, hub_server: HubServer, without_floor: Path) -> None:
    done = publish(without_floor, hub.repository)
    assert (done.published, str(done.reference)) == (True, f"{hub.repository}@v1.0.0")
    assert in_store(hub_server.files(hub.repository, "v1.0.0")) == files_of(without_floor)
    assert hub_server.tags(hub.repository) == {"v1.0.0": done.commit}


def test_beside_the_store_are_the_card_the_index_the_recipe_the_list_and_pictures(
    hub: Hub, hub_server: HubServer, small: Recipe, tmp_path: Path
) -> None:
    publish(build(small, tmp_path / "small.zarr", workers=1).path, hub.repository)
    files = hub_server.files(hub.repository, "v1.0.0")
    beside = {name for name in files if not name.startswith("store.zarr/")} - {".gitattributes"}
    assert beside == {"README.md", "files.json", "rounding_floor.png", "index.parquet", "preview.png", "recipe.yaml"}
    assert files["recipe.yaml"].decode() == small.text
    assert pyarrow.parquet.read_table(io.BytesIO(files["index.parquet"])).num_rows == 8
    listed = json.loads(files["files.json"])["files"]
    assert listed.keys() == files.keys() - {"files.json", ".gitattributes"}
    assert all(len(files[name]) == size for name, (size, _) in listed.items())


def test_the_same_again_changes_nothing_and_uploads_nothing(
    hub: Hub, hub_server: HubServer, without_floor: Path
) -> None:
    first = publish(without_floor, hub.repository)
    hub_server.reset()
    again = publish(without_floor, hub.repository)
    assert (again.published, again.uploaded, again.bytes, again.commit) == (False, 0, 0, first.commit)
    assert {request.method for request in hub_server.requests} <= {"GET", "HEAD"}


def test_other_content_under_the_same_version_is_refused_with_what_differs(
    publish_once: PublishOnce, hub_server: HubServer, without_floor: Path, other: Path
) -> None:
    repository = publish_once(without_floor).repository
    tags = hub_server.tags(repository)
    with pytest.raises(HubError, match=r"@v1\.0\.0: is published with other content, .* store\.zarr/"):
        publish(other, repository)
    assert hub_server.tags(repository) == tags
    assert tags.keys() == {"v1.0.0"}


def test_a_new_version_leaves_the_old_one_and_replaces_what_is_no_more(
    publish_once: PublishOnce, hub_server: HubServer, without_floor: Path, tmp_path: Path
) -> None:
    repository = publish_once(without_floor).repository
    fewer = build(
        parse(SMALL.replace("levels: [0, 1]", "levels: [0]"), "fewer.yaml"), tmp_path / "fewer.zarr", workers=1
    )
    publish(fewer.path, repository, version="1.1.0")
    assert in_store(hub_server.files(repository, "v1.0.0")) == files_of(without_floor)
    assert in_store(hub_server.files(repository, "v1.1.0")) == files_of(fewer.path)
    assert [one.version for one in versions.versions(Reference(repository))] == ["1.1.0", "1.0.0"]
    with pytest.raises(HubError, match=rf"^{repository}@v1\.0\.0: names one version, and all are listed; leave out @"):
        versions.versions(Reference(repository, "1.0.0"))


def test_a_tag_that_is_not_a_version_is_left_out(
    publish_once: PublishOnce, hub_server: HubServer, without_floor: Path
) -> None:
    repository = publish_once(without_floor).repository
    assert versions.tag(repository, "viewer", hub_server.head(repository), "not a version")
    assert [one.version for one in versions.versions(Reference(repository))] == ["1.0.0"]


@pytest.mark.parametrize("call", ["lfs/objects/batch", "PUT ", "/commit/main", "/tag/"])
def test_an_interrupted_publication_has_no_tag_and_goes_on(
    hub: Hub, hub_server: HubServer, without_floor: Path, call: str
) -> None:
    hub_server.fail(call, status=403)
    with pytest.raises(HubError, match="does not have the right"):
        publish(without_floor, hub.repository)
    assert hub_server.tags(hub.repository) == {}
    assert publish(without_floor, hub.repository).published
    assert in_store(hub_server.files(hub.repository, "v1.0.0")) == files_of(without_floor)


def test_who_changes_the_repository_meanwhile_is_noticed(hub: Hub, hub_server: HubServer, without_floor: Path) -> None:
    publish(without_floor, hub.repository, version="0.9.0")
    hub_server.commit(hub.repository, {"preview.png": b"theirs"})
    hub_server.before("POST .*/commit/main", lambda: hub_server.commit(hub.repository, {"README.md": b"mine"}))
    with pytest.raises(HubError, match="changed the repository meanwhile"):
        publish(without_floor, hub.repository)
    assert publish(without_floor, hub.repository).published


def test_a_tag_that_appears_meanwhile_on_the_same_data_is_no_failure(
    hub: Hub, hub_server: HubServer, without_floor: Path
) -> None:
    hub_server.before("POST .*/tag/", lambda: hub_server.tag(hub.repository, "v1.0.0", hub_server.head(hub.repository)))
    assert publish(without_floor, hub.repository).published


def test_a_tag_that_somebody_else_makes_of_the_same_data_is_theirs(
    hub: Hub, hub_server: HubServer, without_floor: Path
) -> None:
    def overtake() -> None:
        hub_server.commit(hub.repository, {"note": b"theirs"})
        hub_server.tag(hub.repository, "v1.0.0", hub_server.head(hub.repository))

    hub_server.before("POST .*/tag/", overtake)
    done = publish(without_floor, hub.repository)
    assert not done.published
    assert done.commit == hub_server.head(hub.repository)


def test_a_tag_that_appears_and_goes_meanwhile_asks_for_the_same_command(
    hub: Hub, hub_server: HubServer, without_floor: Path
) -> None:
    tags = hub_server.state.repositories

    def appear() -> None:
        hub_server.tag(hub.repository, "v1.0.0")
        hub_server.before("GET .*/refs", lambda: tags[hub.repository].tags.clear())

    hub_server.before("POST .*/tag/", appear)
    with pytest.raises(HubError, match="removed meanwhile; run the same command again"):
        publish(without_floor, hub.repository)
    assert publish(without_floor, hub.repository).published


def test_a_repository_of_something_else_is_left_alone(hub: Hub, hub_server: HubServer, without_floor: Path) -> None:
    api = repository.api()
    api.create_repo(hub.repository, repo_type="dataset")
    api.upload_file(
        path_or_fileobj=b"years of work", path_in_repo="mine.csv", repo_id=hub.repository, repo_type="dataset"
    )
    head = hub_server.head(hub.repository)
    with pytest.raises(HubError, match=r"holds files that phigen has not published, such as mine\.csv"):
        publish(without_floor, hub.repository)
    assert hub_server.head(hub.repository) == head


def test_a_tag_that_appears_meanwhile_on_other_data_never_moves(
    hub: Hub, hub_server: HubServer, without_floor: Path
) -> None:
    def tag_another() -> None:
        hub_server.tag(hub.repository, "v1.0.0", hub_server.commit(hub.repository, {"store.zarr/zarr.json": b"{}"}))

    hub_server.before("POST .*/tag/", tag_another)
    with pytest.raises(HubError, match="is published with other content"):
        publish(without_floor, hub.repository)
    assert in_store(hub_server.files(hub.repository, "v1.0.0"))["zarr.json"] == b"{}"


def test_what_arrived_otherwise_is_not_tagged(hub: Hub, hub_server: HubServer, without_floor: Path) -> None:
    def replace_one() -> None:
        hub_server.state.repositories[hub.repository].head.tree["recipe.yaml"] = Blob(b"another", is_large=False)

    publish(without_floor, hub.repository, version="0.9.0")
    hub_server.before("POST .*/commit/main", lambda: hub_server.before("GET .*/tree/", replace_one))
    with pytest.raises(HubError, match=r"recipe\.yaml"):
        publish(without_floor, hub.repository)
    assert "v1.0.0" not in hub_server.tags(hub.repository)


def test_without_a_token_it_says_how_to_log_in(
    hub: Hub, hub_server: HubServer, without_floor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match=r"no token; log in with `hf auth login`, or set HF_TOKEN"):
        publish(without_floor, hub.repository)


def test_a_token_that_may_only_read_is_refused_in_words(
    hub: Hub, hub_server: HubServer, without_floor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", hub_server.user("owner", may_write=False))
    with pytest.raises(HubError, match="does not have the right"):
        publish(without_floor, hub.repository)


def test_a_token_that_the_hub_does_not_know_is_refused_in_words(
    hub: Hub, hub_server: HubServer, without_floor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_nobody")
    with pytest.raises(HubError, match="does not accept the token") as caught:
        publish(without_floor, hub.repository)
    assert "hf_nobody" not in str(caught.value)


def test_an_unfinished_store_is_refused(hub: Hub, hub_server: HubServer, copied: Path) -> None:
    reopen(copied)
    with pytest.raises(StoreError, match="is unfinished"):
        publish(copied, hub.repository)
    assert not hub_server.requests


def test_a_store_with_one_flipped_bit_is_refused(hub: Hub, hub_server: HubServer, copied: Path) -> None:
    shard = next(file for file in sorted(copied.rglob("*")) if file.is_file() and "velocity/c/" in file.as_posix())
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    with pytest.raises(StoreError, match=r"velocity/c/0/.* is damaged"):
        publish(copied, hub.repository)
    assert not hub_server.requests


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "latest"])
def test_a_version_that_is_not_semantic_is_refused(
    hub: Hub, hub_server: HubServer, without_floor: Path, version: str
) -> None:
    with pytest.raises(HubError, match=f"'{version}' is not a semantic version"):
        publish(without_floor, hub.repository, version=version)


@pytest.mark.parametrize(
    "name", ["small", "a/b/c", "owner/", "owner/sm all", "owner/small@v1.0.0", "owner/a--b", "owner/a.git"]
)
def test_a_name_that_is_no_repository_is_refused(
    hub: Hub, hub_server: HubServer, without_floor: Path, name: str
) -> None:
    with pytest.raises(HubError, match=r"write OWNER/NAME|names a version|does not allow this name"):
        publish(without_floor, name)


def test_plain_xarray_opens_what_is_published(publish_once: PublishOnce, without_floor: Path) -> None:
    streamed = xr.open_zarr(f"hf://datasets/{publish_once(without_floor)}/store.zarr", chunks=None)
    here = store.open(without_floor)
    assert np.array_equal(streamed["velocity"].values, here["velocity"].values)
    xr.testing.assert_identical(streamed.isel(time=0).load(), here.isel(time=0).load())


def test_the_token_is_in_no_published_file(hub: Hub, hub_server: HubServer, without_floor: Path) -> None:
    publish(without_floor, hub.repository)
    token = os.environ["HF_TOKEN"].encode()
    assert not any(token in data for data in hub_server.files(hub.repository, "v1.0.0").values())
