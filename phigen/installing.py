"""Where phigen is installed from; it is not on a package index."""

from __future__ import annotations

SOURCE = "git+https://github.com/OWNER/phigen"
"""What pip installs.  OWNER is a placeholder: set it here once the repository has an address."""


def requirement(*, extra: str = "", version: str = "") -> str:
    """Return phigen as pip takes it, with an extra or at the tag of a version."""
    extras = f"[{extra}]" if extra else ""
    tag = f"@v{version}" if version else ""
    return f"phigen{extras} @ {SOURCE}{tag}"
