"""Each error of the Hub's client is one line that says where, what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import httpx

from phigen.errors import HubError, UnreachableError
from phigen.hub.refusals import explained
from tests.shared.hub.server import HubServer
from tests.shared.requests import Hub


def message_of(failing: Callable[[], Any]) -> str:
    with pytest.raises(HubError) as caught, explained("owner/name"):
        failing()
    return str(caught.value)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "does not accept the token; log in with `hf auth login`"),
        (403, "does not have the right"),
        (409, "somebody else has just created the same"),
        (412, "somebody else has changed the repository meanwhile"),
        (429, "too many requests"),
        (500, "answers with status 500, The Hub was told to fail with 500; run the same command again later"),
    ],
)
def test_a_status_is_explained(hub: Hub, hub_server: HubServer, status: int, said: str) -> None:
    hub_server.create(hub.repository)
    hub_server.fail("GET .*/refs", status=status, times=100)
    message = message_of(lambda: HfApi().list_repo_refs(hub.repository, repo_type="dataset"))
    assert message.startswith("owner/name: ")
    assert said in message
    assert "\n" not in message


def test_a_status_without_the_hubs_words_is_explained() -> None:
    response: Any = SimpleNamespace(status_code=503, headers={}, request=None)
    error = HfHubHTTPError("unavailable", response=response)
    error.server_message = None

    def fail() -> None:
        raise error

    assert "answers with status 503; run the same command again later" in message_of(fail)


def test_a_version_or_file_that_is_missing_is_named(hub: Hub, hub_server: HubServer) -> None:
    hub_server.create(hub.repository)
    files = {"repo_type": "dataset", "filename": "recipe.yaml"}
    assert "no such version" in message_of(lambda: hf_hub_download(hub.repository, revision="v9.9.9", **files))
    assert "holds no recipe.yaml" in message_of(lambda: hf_hub_download(hub.repository, **files))


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), OfflineModeIsEnabled("offline")])
def test_a_hub_that_cannot_be_reached_is_an_error_of_its_own(error: Exception) -> None:
    said = f"cannot be reached, got {type(error).__name__}; run the same"
    with pytest.raises(UnreachableError, match=said), explained("owner/name"):
        raise error


def test_the_error_inside_a_failed_upload_is_explained() -> None:
    def fail() -> None:
        raise RuntimeError("Error while uploading 'c/0' to the Hub.") from httpx.ReadError("closed")

    assert "got ReadError" in message_of(fail)


def test_an_error_that_is_not_the_hubs_stays_as_it_is() -> None:
    with pytest.raises(RuntimeError, match="of phigen"), explained("owner/name"):
        raise RuntimeError("of phigen")
