"""Errors of the Hub in words: what was refused, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from phigen.errors import HubError, UnreachableError

if TYPE_CHECKING:
    from phigen.hub.reference import Reference

LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"

_BY_STATUS = {
    401: f"the Hub does not accept the token; {LOG_IN}",
    403: "your token does not have the right to do this; use one with write access, made in your settings on the Hub",
    409: "somebody else has just created the same; run the same command again to see what is there",
    412: "somebody else has changed the repository meanwhile; run the same command again to continue",
    429: "the Hub has received too many requests from you; run the same command again in a few minutes",
}


@contextmanager
def explained(what: Reference | str) -> Iterator[None]:
    """Raise the errors of the Hub's client as one-line errors that say what to do.

    Parameters
    ----------
    what : Reference or str
        The dataset that is asked for, with which the message begins.

    Raises
    ------
    UnreachableError
        If the Hub does not answer, or the client is offline.
    HubError
        If the Hub refuses.
    """
    from huggingface_hub import errors
    from huggingface_hub.utils import httpx

    try:
        with _unwrapped():
            yield
    except errors.LocalTokenNotFoundError:
        raise HubError(f"{what}: the Hub needs to know who you are, got no token; {LOG_IN}") from None
    except errors.GatedRepoError:
        raise HubError(f"{what}: is gated, and you have no access; ask for it on its page, then {LOG_IN}") from None
    except errors.RepositoryNotFoundError:
        raise HubError(
            f"{what}: there is no such dataset, or it is private and you may not see it; check the name, or {LOG_IN}"
        ) from None
    except errors.RevisionNotFoundError:
        raise HubError(
            f"{what}: there is no such version; `phigen versions OWNER/NAME` lists those there are"
        ) from None
    except errors.RemoteEntryNotFoundError as error:
        file = str(error.response.url).rpartition("/")[2]
        raise HubError(f"{what}: holds no {file}, so it was not published by phigen; name another dataset") from None
    except errors.HfHubHTTPError as error:
        raise HubError(f"{what}: {_by_status(error.response.status_code, error.server_message)}") from error
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError, httpx.TransportError) as error:
        raise UnreachableError(
            f"{what}: the Hub cannot be reached, got {type(error).__name__}; run the same command again when it can be "
            "reached"
        ) from error


@contextmanager
def _unwrapped() -> Iterator[None]:
    """Raise the error of a large file itself; the client wraps it in a RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        raise error.__cause__ or error from None


def _by_status(status: int, said: str | None) -> str:
    """Return what an HTTP status means and what to do, with the Hub's own words where the status has no entry."""
    reason = f", {' '.join(said.split())}" if said else ""
    other = f"the Hub answers with status {status}{reason}; run the same command again later"
    return _BY_STATUS.get(status, other)
