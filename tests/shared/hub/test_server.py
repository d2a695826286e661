"""The loopback Hub behaves as the real one towards the unmodified client; tests without faults run on both."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from huggingface_hub import CommitOperationAdd, HfApi, HfFileSystem, constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import get_session, httpx

from tests.shared.files import files_of
from tests.shared.hub.server import HubServer
from tests.shared.requests import Hub

CARD = "---\nlicense: mit\nconfigs:\n- {config_name: default, data_files: [{split: train, path: index.parquet}]}\n---\n"
LARGE = bytes(range(256)) * 1000
DATASET: dict[str, Any] = {"repo_type": "dataset"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A card, a small text and two binary files."""
    (tmp_path / "made" / "c").mkdir(parents=True)
    (tmp_path / "made" / "README.md").write_text(CARD)
    (tmp_path / "made" / "list.json").write_text("[1, 2]")
    (tmp_path / "made" / "c" / "0").write_bytes(LARGE)
    (tmp_path / "made" / "c" / "1").write_bytes(LARGE[::-1])
    return tmp_path / "made"


@pytest.fixture
def published(hub: Hub, folder: Path) -> str:
    """The folder as a dataset, tagged v1.0.0."""
    return publish(hub, folder)


def publish(hub: Hub, folder: Path) -> str:
    HfApi().create_repo(hub.repository, **DATASET)
    oid = HfApi().upload_folder(repo_id=hub.repository, folder_path=folder, **DATASET).oid
    HfApi().create_tag(hub.repository, tag="v1.0.0", revision=oid, **DATASET)
    return hub.repository


def add(path: str, content: bytes = b"text") -> list[CommitOperationAdd]:
    return [CommitOperationAdd(path, content)]


def status_of(failing: Callable[[], Any]) -> int:
    with pytest.raises(HfHubHTTPError) as caught:
        failing()
    return caught.value.response.status_code


def sent_from_storage(server: HubServer) -> list[tuple[int, int]]:
    fetched = [request for request in server.requests if request.method == "GET" and "/storage/" in request.path]
    return [(request.status, request.bytes_sent) for request in fetched]


def test_the_client_speaks_to_the_loopback_hub(hub_server: HubServer) -> None:
    assert hub_server.endpoint == constants.ENDPOINT


def test_what_was_published_comes_back_byte_by_byte(published: str, folder: Path) -> None:
    back = files_of(Path(snapshot_download(published, revision="v1.0.0", **DATASET)))
    assert {path: content for path, content in back.items() if path != ".gitattributes"} == files_of(folder)


def test_binary_files_are_large_files_and_texts_are_not(published: str) -> None:
    entries = {entry.path: entry for entry in HfApi().list_repo_tree(published, recursive=True, **DATASET)}
    assert set(entries) == {".gitattributes", "README.md", "c", "c/0", "c/1", "list.json"}
    assert entries["c/0"].lfs.sha256 == hashlib.sha256(LARGE).hexdigest()
    assert entries["list.json"].lfs is None
    attributes = Path(hf_hub_download(published, ".gitattributes", **DATASET)).read_text()
    assert "c/0 filter=lfs diff=lfs merge=lfs -text" in attributes.splitlines()


def test_unchanged_files_are_not_uploaded_twice(hub_server: HubServer, published: str, folder: Path) -> None:
    hub_server.reset()
    before = hub_server.head(published)
    again = HfApi().upload_folder(repo_id=published, folder_path=folder, **DATASET)
    assert again.oid == before == hub_server.head(published)
    assert not [request for request in hub_server.requests if request.method == "PUT" or "/commit/" in request.path]


def test_uploads_outlive_a_commit_that_fails(hub_server: HubServer, hub: Hub, folder: Path) -> None:
    HfApi().create_repo(hub.repository, **DATASET)
    hub_server.fail("POST .*/commit/main", status=500)
    with pytest.raises(HfHubHTTPError):
        HfApi().upload_folder(repo_id=hub.repository, folder_path=folder, **DATASET)
    assert sum(request.bytes_received for request in hub_server.requests if request.method == "PUT") == 2 * len(LARGE)
    hub_server.reset()
    HfApi().upload_folder(repo_id=hub.repository, folder_path=folder, **DATASET)
    assert not [request for request in hub_server.requests if request.method == "PUT"]
    assert hub_server.files(hub.repository)["c/0"] == LARGE


def test_storage_takes_nothing_but_what_it_was_promised(hub_server: HubServer, hub: Hub) -> None:
    HfApi().create_repo(hub.repository, **DATASET)
    wanted = {"oid": hashlib.sha256(LARGE).hexdigest(), "size": len(LARGE)}
    url = f"{hub_server.endpoint}/datasets/{hub.repository}.git/info/lfs/objects/batch"
    token = {"authorization": f"Bearer {hub.token}"}
    batch = get_session().post(url, headers=token, json={"objects": [wanted]}).json()
    put = batch["objects"][0]["actions"]["upload"]["href"]
    assert get_session().put(put, content=LARGE[1:]).status_code == 400
    assert get_session().put(put, content=LARGE, headers=token).status_code == 400
    assert get_session().put(put + "0", content=LARGE).status_code == 403
    assert get_session().put(put, content=LARGE).status_code == 200


def test_a_folder_and_a_file_can_be_deleted(published: str) -> None:
    HfApi().delete_folder("c", published, **DATASET)
    HfApi().delete_file("list.json", published, **DATASET)
    assert set(HfApi().list_repo_files(published, **DATASET)) == {".gitattributes", "README.md"}
    assert "c/0" in HfApi().list_repo_files(published, revision="v1.0.0", **DATASET)
    assert status_of(lambda: HfApi().delete_file("list.json", published, **DATASET)) == 404


def test_a_tag_is_made_once(published: str) -> None:
    assert status_of(lambda: HfApi().create_tag(published, tag="v1.0.0", **DATASET)) == 409
    (tag,) = HfApi().list_repo_refs(published, **DATASET).tags
    assert (tag.name, tag.target_commit) == ("v1.0.0", HfApi().dataset_info(published).sha)
    HfApi().delete_tag(published, tag="v1.0.0", **DATASET)
    with pytest.raises(RevisionNotFoundError):
        HfApi().delete_tag(published, tag="v1.0.0", **DATASET)


def test_a_stale_parent_is_refused(published: str) -> None:
    stale = HfApi().dataset_info(published).sha
    commit = {"repo_id": published, "commit_message": "more", "parent_commit": stale, **DATASET}
    assert HfApi().create_commit(operations=add("a"), **commit).oid != stale
    assert status_of(lambda: HfApi().create_commit(operations=add("b"), **commit)) == 412


def test_commits_are_listed_last_first(published: str) -> None:
    titles = [commit.title for commit in HfApi().list_repo_commits(published, **DATASET)]
    assert titles == ["Upload folder using huggingface_hub", "initial commit"]


def test_a_dataset_is_made_once(published: str) -> None:
    assert status_of(lambda: HfApi().create_repo(published, **DATASET)) == 409
    assert HfApi().create_repo(published, exist_ok=True, **DATASET).repo_id == published
    HfApi().delete_repo(published, **DATASET)
    with pytest.raises(RepositoryNotFoundError):
        HfApi().dataset_info(published)


def test_what_is_not_there_has_a_name(published: str) -> None:
    with pytest.raises(RevisionNotFoundError):
        HfApi().dataset_info(published, revision="v9.9.9")
    with pytest.raises(EntryNotFoundError):
        hf_hub_download(published, "nothing", **DATASET)
    with pytest.raises(EntryNotFoundError):
        list(HfApi().list_repo_tree(published, "näher", **DATASET))
    with pytest.raises(RepositoryNotFoundError):
        HfApi().dataset_info(f"{published}-not")
    assert HfApi().get_paths_info(published, ["nothing"], **DATASET) == []


def test_without_a_token_nothing_can_be_changed(published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(LocalTokenNotFoundError):
        HfApi().whoami()
    assert status_of(lambda: HfApi().create_repo(published, **DATASET)) == 401
    assert status_of(lambda: HfApi().create_commit(published, add("a"), commit_message="more", **DATASET)) == 401
    assert status_of(lambda: HfApi(token="hf_wrong").whoami()) == 401
    assert HfApi().dataset_info(published).id == published


def test_a_private_dataset_is_there_for_its_owner_alone(hub_server: HubServer, published: str) -> None:
    HfApi().update_repo_settings(published, private=True, **DATASET)
    for token in (False, hub_server.user("stranger")):
        with pytest.raises(RepositoryNotFoundError):
            HfApi(token=token).dataset_info(published)
        with pytest.raises(RepositoryNotFoundError):
            hf_hub_download(published, "list.json", token=token, **DATASET)
    member = hub_server.user("member", orgs=("owner",))
    assert Path(hf_hub_download(published, "list.json", token=member, **DATASET)).read_text() == "[1, 2]"


def test_a_gated_dataset_can_be_seen_but_not_read(hub_server: HubServer, published: str) -> None:
    HfApi().update_repo_settings(published, gated="manual", **DATASET)
    for token in (False, hub_server.user("stranger")):
        assert HfApi(token=token).dataset_info(published).gated == "manual"
        with pytest.raises(GatedRepoError):
            hf_hub_download(published, "c/0", token=token, **DATASET)
    hub_server.gate(published, "friend")
    friend = hub_server.user("friend")
    assert Path(hf_hub_download(published, "c/0", token=friend, **DATASET)).read_bytes() == LARGE


def test_a_token_without_rights_changes_nothing(hub_server: HubServer, published: str) -> None:
    before = hub_server.head(published)
    for token in (hub_server.user("owner", may_write=False), hub_server.user("stranger")):
        api = HfApi(token=token)
        assert api.whoami()["auth"]["accessToken"]["role"] in ("read", "write")
        assert status_of(partial(api.create_repo, f"{published}-b", **DATASET)) == 403
        assert status_of(partial(api.create_commit, published, add("a"), commit_message="more", **DATASET)) == 403
        assert status_of(partial(api.create_tag, published, tag="v2.0.0", **DATASET)) == 403
    assert hub_server.head(published) == before


def test_a_card_without_metadata_is_warned_of(hub: Hub) -> None:
    HfApi().create_repo(hub.repository, **DATASET)
    with pytest.warns(UserWarning, match="empty or missing yaml metadata"):
        HfApi().create_commit(hub.repository, add("README.md"), commit_message="a card", **DATASET)


def test_a_long_listing_comes_in_pages(hub_server: HubServer, hub: Hub) -> None:
    names = [f"file {number:02d} & more" for number in range(25)]
    hub_server.create(hub.repository, dict.fromkeys(names, b""))
    hub_server.page_size = 10
    assert HfApi().list_repo_files(hub.repository, **DATASET) == [".gitattributes", *names]
    assert [request.path.split("/")[-2] for request in hub_server.requests] == ["tree"] * 3
    changes = {entry.last_commit.title for entry in HfApi().list_repo_tree(hub.repository, expand=True, **DATASET)}
    assert changes == {"initial commit", "Files of a test"}


def test_a_part_of_a_file_is_sent_alone(hub_server: HubServer, published: str) -> None:
    with HfFileSystem().open(f"datasets/{published}@v1.0.0/c/0", cache_type="none") as file:
        assert [file.seek(1000), file.read(10)] == [1000, LARGE[1000:1010]]
        assert [file.seek(-7, 2), file.read()] == [len(LARGE) - 7, LARGE[-7:]]
    assert sent_from_storage(hub_server) == [(206, 10), (206, 7)]


def test_a_429_is_waited_out(hub_server: HubServer, published: str) -> None:
    hub_server.fail("GET .*/tree/", status=429)
    assert "c/0" in HfApi().list_repo_files(published, **DATASET)
    assert [request.status for request in hub_server.requests if "/tree/" in request.path] == [429, 200]


def test_a_download_asks_again_after_a_429_and_not_after_a_403(hub_server: HubServer, published: str) -> None:
    hub_server.fail("HEAD .*/resolve/", status=429)
    assert Path(hf_hub_download(published, "c/0", **DATASET)).read_bytes() == LARGE
    hub_server.fail("HEAD .*/resolve/", status=403, times=2)
    with pytest.raises(LocalEntryNotFoundError):
        hf_hub_download(published, "c/1", **DATASET)


def test_the_nth_call_fails(hub_server: HubServer, published: str) -> None:
    hub_server.fail("GET .*/refs", nth=2, times=2)
    listed = [lambda: HfApi().list_repo_refs(published, **DATASET)] * 4
    assert listed[0]()
    assert [status_of(listed[1]), status_of(listed[2])] == [500, 500]
    assert listed[3]()


def test_a_broken_download_goes_on_after_the_last_whole_chunk(hub_server: HubServer, hub: Hub) -> None:
    content = LARGE * 48
    hub_server.create(hub.repository, {"large": content})
    hub_server.drop("GET /storage/", after=11 * 2**20)
    assert Path(hf_hub_download(hub.repository, "large", **DATASET)).read_bytes() == content
    chunk = constants.DOWNLOAD_CHUNK_SIZE
    assert sent_from_storage(hub_server) == [(200, 11 * 2**20), (206, len(content) - chunk)]


def test_an_answer_can_be_lost_after_the_deed(hub_server: HubServer, published: str) -> None:
    before = hub_server.head(published)
    hub_server.drop("POST .*/commit/main", after=0)
    with pytest.raises(httpx.RemoteProtocolError):
        HfApi().create_commit(published, add("a"), commit_message="more", **DATASET)
    assert hub_server.head(published) != before
    assert [request.status for request in hub_server.requests if "/commit/" in request.path] == [200, 0]


def test_a_flipped_bit_goes_unnoticed_by_the_client(hub_server: HubServer, published: str) -> None:
    hub_server.corrupt("/c/0$", offset=1234)
    wrong = Path(hf_hub_download(published, "c/0", **DATASET)).read_bytes()
    assert [at for at, (here, there) in enumerate(zip(wrong, LARGE, strict=True)) if here != there] == [1234]
    again = hf_hub_download(published, "c/0", force_download=True, **DATASET)
    assert Path(again).read_bytes() == LARGE


def test_a_tag_can_appear_meanwhile(hub_server: HubServer, published: str) -> None:
    hub_server.before("POST .*/tag/", lambda: hub_server.tag(published, "v2.0.0"))
    assert status_of(lambda: HfApi().create_tag(published, tag="v2.0.0", **DATASET)) == 409
    assert set(hub_server.tags(published)) == {"v1.0.0", "v2.0.0"}


def test_requests_that_the_hub_does_not_know_are_recorded(hub_server: HubServer, published: str) -> None:
    assert status_of(lambda: list(HfApi().list_repo_likers(published, **DATASET))) == 404
    assert hub_server.unknown == [f"GET /api/datasets/{published}/likers"]


def test_plain_xarray_opens_a_store(hub: Hub, tmp_path: Path) -> None:
    smoke = np.arange(400, dtype=np.float32).reshape(4, 100)
    made = xr.Dataset({"smoke": (("run", "x"), smoke)}, {"level": ("run", [0, 0, 1, 1])})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata")
        made.to_zarr(tmp_path / "made" / "store.zarr", zarr_format=3, consolidated=True)
    publish(hub, tmp_path / "made")
    with xr.open_zarr(f"hf://datasets/{hub.repository}@v1.0.0/store.zarr") as opened:
        xr.testing.assert_identical(opened.load(), made)


def test_the_datasets_library_loads_an_index(hub: Hub, folder: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    import datasets

    index = {"run": [0, 1, 2], "level": [0, 0, 1]}
    parquet.write_table(pa.table(index), folder / "index.parquet")
    publish(hub, folder)
    assert datasets.load_dataset(hub.repository, revision="v1.0.0")["train"].to_dict() == index
