"""The name of a dataset on the Hub: its repository, OWNER/NAME, and perhaps a version."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self

from phigen.errors import HubError
from phigen.recipe.semver import is_semantic

SCHEME = "hf://"

STORE = "store.zarr"
"""The path of the store in a repository."""

LONGEST = 96
"""The most characters that the Hub allows OWNER/NAME."""

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"


@dataclass(frozen=True)
class Reference:
    """A repository of datasets, and a version such as 1.0.0; None stands for the newest one."""

    repository: str
    version: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `OWNER/NAME`, `OWNER/NAME@v1.0.0`, or either of them after `hf://datasets/`.

        Raises
        ------
        HubError
            If the text is none of these.
        """
        plain = text.removeprefix(f"{SCHEME}datasets/").removesuffix("/").removesuffix(f"/{STORE}")
        repository, at, tag = plain.partition("@")
        if not re.fullmatch(f"{_NAME}/{_NAME}", repository):
            raise HubError(
                f"{text}: is not the name of a dataset on the Hub, got {repository!r}; write OWNER/NAME, "
                "OWNER/NAME@v1.0.0 or hf://datasets/OWNER/NAME@v1.0.0"
            )
        if len(repository) > LONGEST or re.search(r"--|\.\.|\.git$", repository):
            raise HubError(
                f"{text}: the Hub does not allow this name; choose one of at most {LONGEST} characters, without -- "
                "and .., that does not end in .git"
            )
        version = tag.removeprefix("v")
        if at and not is_semantic(version):
            raise HubError(
                f"{text}: {tag!r} is not a semantic version; write OWNER/NAME@v1.0.0, "
                f"`phigen versions {repository}` lists those there are"
            )
        return cls(repository, version if at else None)

    @property
    def tag(self) -> str:
        """The git tag of the version."""
        return f"v{self.version}"

    @property
    def url(self) -> str:
        """The URL of the version's store, as fsspec opens it."""
        return f"{SCHEME}datasets/{self.repository}@{self.tag}/{STORE}"

    def at(self, version: str) -> Self:
        """Return another version of the same dataset."""
        return replace(self, version=version)

    def __str__(self) -> str:
        return self.repository if self.version is None else f"{self.repository}@{self.tag}"
