"""Commits build on each other, hold what was uploaded, and keep a repository's own rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from phigen.errors import HubError
from phigen.hub import committing
from phigen.hub.publishing import publish
from tests.shared.files import files_of, in_store
from tests.shared.hub.server import HubServer
from tests.shared.requests import Hub, PublishOnce


def test_what_was_uploaded_before_an_interruption_is_not_uploaded_again(
    hub: Hub, hub_server: HubServer, without_floor: Path
) -> None:
    hub_server.fail("/commit/main", status=403, nth=2)
    with pytest.raises(HubError):
        publish(without_floor, hub.repository)
    hub_server.reset()
    publish(without_floor, hub.repository)
    assert not [request for request in hub_server.requests if request.method == "PUT"]


def test_many_files_are_several_commits_on_top_of_each_other(
    hub: Hub, hub_server: HubServer, without_floor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committing, "FILES_PER_COMMIT", 20)
    monkeypatch.setattr(committing, "FILES_PER_REPORT", 7)
    reports: list[tuple[str, int, int]] = []
    publish(without_floor, hub.repository, progress=lambda *one: reports.append(one))
    commits = [request for request in hub_server.requests if "/commit/main" in request.path]
    assert len(commits) > 1
    assert in_store(hub_server.files(hub.repository, "v1.0.0")) == files_of(without_floor)
    assert [done for _, done, _ in reports] == sorted(done for _, done, _ in reports)
    assert reports[-1][1] == reports[-1][2]


def test_the_hub_need_not_list_every_shard_by_its_own_name(
    publish_once: PublishOnce, hub_server: HubServer, without_floor: Path
) -> None:
    repository = publish_once(without_floor).repository
    publish(without_floor, repository, version="1.0.1")
    attributes = hub_server.files(repository, "v1.0.1")[".gitattributes"].decode().splitlines()
    assert [line.split()[0] for line in attributes if line.startswith("store.zarr")] == ["store.zarr/**/c/**"]


RULE = "store.zarr/**/c/** filter=lfs diff=lfs merge=lfs -text"


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (b"*.csv filter=lfs diff=lfs merge=lfs -text", ["*.csv filter=lfs diff=lfs merge=lfs -text", RULE]),
        (b"*.csv text\r\n", ["*.csv text", RULE]),
        (b"", [RULE]),
        (f"# {RULE}\n".encode(), [f"# {RULE}", RULE]),
        (f"{RULE}\n*.csv text".encode(), [RULE, "*.csv text"]),
    ],
)
def test_a_rule_is_a_line_of_its_own_in_gitattributes(
    hub: Hub, hub_server: HubServer, without_floor: Path, held: bytes, expected: list[str]
) -> None:
    hub_server.create(hub.repository, {".gitattributes": held})
    assert publish(without_floor, hub.repository).published
    lines = hub_server.files(hub.repository, "v1.0.0")[".gitattributes"].decode().splitlines()
    assert lines[: len(expected)] == expected
    assert not [line for line in lines[len(expected) :] if line.startswith("store.zarr/")]
    assert in_store(hub_server.files(hub.repository, "v1.0.0")) == files_of(without_floor)


def test_a_repository_without_gitattributes_gets_one(hub: Hub, hub_server: HubServer, without_floor: Path) -> None:
    hub_server.create(hub.repository)
    hub_server.commit(hub.repository, {"README.md": b"a card"}, without=(".gitattributes",))
    assert hub_server.files(hub.repository).keys() == {"README.md"}
    assert publish(without_floor, hub.repository).published
    assert hub_server.files(hub.repository, "v1.0.0")[".gitattributes"].decode().splitlines()[0] == RULE
    assert in_store(hub_server.files(hub.repository, "v1.0.0")) == files_of(without_floor)


def test_a_private_repository_is_made_private(hub: Hub, hub_server: HubServer, without_floor: Path) -> None:
    publish(without_floor, hub.repository, private=True)
    assert hub_server.state.repositories[hub.repository].private


def test_a_public_repository_is_not_taken_for_a_private_one(
    hub: Hub, hub_server: HubServer, without_floor: Path
) -> None:
    publish(without_floor, hub.repository, version="0.9.0")
    with pytest.raises(HubError, match="is public already"):
        publish(without_floor, hub.repository, private=True)
