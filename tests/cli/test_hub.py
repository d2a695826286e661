"""Publishing and downloading as a user drives them: subprocesses, their output and their exit status."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared.command import phigen, succeeds
from tests.shared.files import files_of
from tests.shared.hub.server import HubServer
from tests.shared.requests import Hub, PublishOnce


@pytest.fixture
def built(without_floor: Path) -> Path:
    return without_floor


def test_from_one_folder_to_another_by_way_of_the_hub(hub: Hub, built: Path, tmp_path: Path) -> None:
    published = succeeds("publish", built, hub.repository)
    assert re.fullmatch(rf"{hub.repository}@v1\.0\.0: published, \d+ files with \d+\.\d MB uploaded\n", published)
    assert "nothing to do" in succeeds("publish", built, hub.repository)
    assert re.search(r"^v1\.0\.0 +\d{4}-\d\d-\d\dT.* +[0-9a-f]{40}$", succeeds("versions", hub.repository), re.M)
    folder = tmp_path / "copy"
    assert "8 runs, every file as published" in succeeds("download", hub.repository, "--out", folder)
    assert files_of(folder / "store.zarr") == files_of(built)
    assert "nothing to do" in succeeds("download", hub.repository, "--out", folder)
    assert succeeds("measure", folder) == succeeds("measure", built)
    assert re.search(r"runs stored +8\n", succeeds("inspect", folder))


def test_what_is_published_is_measured_and_drawn_where_it_is(
    publish_once: PublishOnce, built: Path, tmp_path: Path
) -> None:
    url = f"hf://datasets/{publish_once(built)}"
    assert succeeds("measure", url) == succeeds("measure", built)
    picture = Path(succeeds("preview", url, cwd=tmp_path).strip())
    assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir()] == [picture.name]


def test_json_says_the_same(hub: Hub, built: Path, tmp_path: Path) -> None:
    published = json.loads(succeeds("publish", built, hub.repository, "--json"))
    assert (published["dataset"], published["published"]) == (f"{hub.repository}@v1.0.0", True)
    again = json.loads(succeeds("publish", built, hub.repository, "--json"))
    assert (again["published"], again["uploaded"], again["bytes"]) == (False, 0, 0)
    (version,) = json.loads(succeeds("versions", hub.repository, "--json"))
    assert (version["version"], version["commit"]) == ("v1.0.0", published["commit"])
    fetched = json.loads(succeeds("download", hub.repository, "--level", 1, "--out", tmp_path / "copy", "--json"))
    assert (fetched["dataset"], fetched["runs"], fetched["repaired"]) == (f"{hub.repository}@v1.0.0", 4, [])


def test_the_newest_version_is_named_in_one_line(publish_once: PublishOnce, built: Path) -> None:
    repository = publish_once(built).repository
    command = [sys.executable, "-m", "phigen", "measure", f"hf://datasets/{repository}", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)
    assert done.stderr == f"{repository}: no version was named, this is v1.0.0; name it to stay with it\n"


def test_a_dry_run_shows_files_bytes_and_the_card_without_any_network(
    hub: Hub, hub_server: HubServer, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    shown = succeeds("publish", built, hub.repository, "--version", "1.2.3", "--dry-run")
    assert re.search(r"^store\.zarr/zarr\.json +\d+$", shown, re.M)
    assert re.search(rf"^{hub.repository}@v1\.2\.3: \d+ files, \d+\.\d MB; nothing is uploaded$", shown, re.M)
    assert "\n---\n" in shown
    shown_as_json = json.loads(succeeds("publish", built, hub.repository, "--dry-run", "--json"))
    assert sum(file["bytes"] for file in shown_as_json["files"]) == shown_as_json["bytes"]
    assert not hub_server.requests


def test_a_refusal_is_one_line_without_the_token(
    hub: Hub, hub_server: HubServer, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = hub_server.user("owner", may_write=False)
    monkeypatch.setenv("HF_TOKEN", token)
    for arguments in ([], ["--debug"]):
        done = phigen("publish", built, hub.repository, *arguments)
        assert done.returncode == 1
        assert token not in done.stdout + done.stderr
    assert phigen("publish", built, hub.repository).stderr.count("\n") == 1


def test_a_wrong_byte_is_named(publish_once: PublishOnce, hub_server: HubServer, built: Path, tmp_path: Path) -> None:
    repository = publish_once(built).repository
    hub_server.corrupt("GET .*recipe.yaml", offset=5)
    done = phigen("download", repository, "--out", tmp_path / "copy")
    assert done.returncode == 0
    assert done.stderr == "recipe.yaml: was damaged and has been downloaded again\n"


@pytest.mark.parametrize(("command", "moment"), [("publish", "POST .*/commit/"), ("download", "GET .*velocity/c/5")])
def test_an_interrupted_command_keeps_what_was_done(
    hub: Hub,
    publish_once: PublishOnce,
    hub_server: HubServer,
    built: Path,
    tmp_path: Path,
    command: str,
    moment: str,
) -> None:
    folder = tmp_path / "copy"
    if command == "publish":
        arguments = [str(built), hub.repository]
    else:
        arguments = [str(publish_once(built)), "--out", str(folder)]
    process = subprocess.Popen(
        [sys.executable, "-m", "phigen", command, *arguments], stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    hub_server.before(moment, lambda: process.send_signal(signal.SIGINT))
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.search(
        r"interrupted; what was (uploaded|downloaded) is kept: run the same command again to continue", error
    )
    succeeds(command, *arguments)
    if command == "download":
        assert files_of(folder / "store.zarr") == files_of(built)


@pytest.mark.parametrize("url", ["hf://datasets/nobody/nothing@v1.0.0", "hf://datasets/nobody"])
def test_an_address_that_leads_nowhere_is_one_line(hub: Hub, url: str) -> None:
    done = phigen("measure", url)
    assert done.returncode == 1
    assert done.stderr.startswith(
        ("nobody/nothing@v1.0.0: there is no such dataset", f"{url}: is not the name of a dataset")
    )
    assert done.stderr.count("\n") == 1


def test_what_needs_a_copy_says_how_to_get_one(hub: Hub) -> None:
    url = f"hf://datasets/{hub.repository}@v1.0.0"
    for arguments in (["inspect", url], ["publish", url, hub.repository]):
        done = phigen(*arguments)
        assert done.stderr == f"{url}: is not on this machine; run phigen download {hub.repository}@v1.0.0 first\n"
