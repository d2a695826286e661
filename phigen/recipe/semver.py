"""Semantic versions: their pattern, and their order."""

from __future__ import annotations

import re
from collections.abc import Iterable

_IDENTIFIER = r"(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"

PATTERN = rf"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-{_IDENTIFIER}(\.{_IDENTIFIER})*)?$"
"""MAJOR.MINOR.PATCH with an optional pre-release, such as 1.0.0 or 1.1.0-rc.1; semver.org, without build metadata."""

Precedence = tuple[tuple[int, int, int], bool, tuple[tuple[bool, int, str], ...]]


def is_semantic(version: str) -> bool:
    """Return whether a text is a semantic version."""
    return re.fullmatch(PATTERN, version) is not None


def is_prerelease(version: str) -> bool:
    """Return whether a semantic version is a pre-release."""
    return "-" in version


def precedence(version: str) -> Precedence:
    """Return a key that orders semantic versions from oldest to newest; a pre-release is older than its release.

    References
    ----------
    Semantic Versioning 2.0.0, semver.org, section 11.
    """
    release, _, pre = version.partition("-")
    major, minor, patch = (int(number) for number in release.split("."))
    parts = pre.split(".") if pre else []
    identifiers = tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts)
    return (major, minor, patch), not pre, identifiers


def newest(versions: Iterable[str]) -> str | None:
    """Return the newest version that is not a pre-release, or else the newest pre-release; None if there are none."""
    return max(versions, key=lambda version: (not is_prerelease(version), precedence(version)), default=None)
