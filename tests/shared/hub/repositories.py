"""What a Hub keeps of a dataset: its commits, tags and stored objects.  Pure data."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatch
from functools import cached_property
from typing import Any

from tests.shared.hub.errors import AnswerError

LARGEST_REGULAR = 10 * 2**20
"""Above this many bytes even text is stored as a large file."""

ATTRIBUTES = "".join(
    f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n"
    for suffix in ["arrow", "bin", "gz", "h5", "npy", "npz", "parquet", "pt", "tar", "zip", "zst", "png", "jpg"]
)
"""The .gitattributes of a new dataset, shortened."""


@dataclass(frozen=True)
class Blob:
    """The content of one file; of a large one, git holds only a pointer."""

    content: bytes
    is_large: bool

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def pointer(self) -> bytes:
        return (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.content)}\n".encode()
        )

    @cached_property
    def git_oid(self) -> str:
        held = self.pointer if self.is_large else self.content
        return hashlib.sha1(b"blob %d\0" % len(held) + held).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.is_large else self.git_oid


@dataclass(frozen=True)
class Commit:
    """A tree of files, with its parent, author and date."""

    oid: str
    parent: Commit | None
    title: str
    message: str
    author: str
    date: str
    tree: Mapping[str, Blob]

    def line(self) -> Iterator[Commit]:
        """Yield this commit, its parent, and so on."""
        commit: Commit | None = self
        while commit:
            yield commit
            commit = commit.parent

    def entry(self, path: str) -> dict[str, Any]:
        """Return a file or a folder as the Hub lists it."""
        if path not in self.tree:
            return {"type": "directory", "oid": self._oid_of(path), "size": 0, "path": path}
        blob = self.tree[path]
        described = {"type": "file", "oid": blob.git_oid, "size": len(blob.content), "path": path}
        if blob.is_large:
            described["lfs"] = {"oid": blob.sha256, "size": len(blob.content), "pointerSize": len(blob.pointer)}
        return described

    def _oid_of(self, path: str) -> str:
        if path in self.tree:
            return self.tree[path].git_oid
        held = sorted(f"{name} {blob.git_oid}" for name, blob in self.tree.items() if name.startswith(f"{path}/"))
        return hashlib.sha1("\n".join(held).encode()).hexdigest()

    def last_change(self, path: str) -> dict[str, str]:
        """Return the last commit that changed a file or a folder, as the Hub describes it."""
        last = self
        for earlier in self.line():
            if earlier._oid_of(path) != self._oid_of(path):
                break
            last = earlier
        return {"id": last.oid, "title": last.title, "date": last.date}

    def has(self, path: str) -> bool:
        return path in self.tree or any(name.startswith(f"{path}/") for name in self.tree)

    def paths(self, folder: str, *, recursive: bool) -> list[str]:
        """Return the paths in a folder, folders first; of a file, its own path."""
        if folder in self.tree:
            return [folder]
        prefix = f"{folder}/" if folder else ""
        found = set()
        for name in self.tree:
            if name.startswith(prefix):
                parts = name.removeprefix(prefix).split("/")
                depths = range(1, len(parts) + 1) if recursive else [1]
                found |= {prefix + "/".join(parts[:depth]) for depth in depths}
        if folder and not found:
            raise AnswerError(
                404, f'{folder} does not exist on "{self.oid}"', "EntryNotFound", {"X-Repo-Commit": self.oid}
            )
        return sorted(found, key=lambda path: (path in self.tree, path))


@dataclass
class Repository:
    """A dataset: its commits on main, its tags, and its uploaded large objects, committed or not."""

    id: str
    private: bool = False
    gated: str | bool = False
    granted: set[str] = field(default_factory=set)
    commits: dict[str, Commit] = field(default_factory=dict)
    tags: dict[str, Commit] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.commit({".gitattributes": Blob(ATTRIBUTES.encode(), is_large=False)}, title="initial commit")

    @property
    def namespace(self) -> str:
        return self.id.split("/")[0]

    @property
    def head(self) -> Commit:
        return next(reversed(self.commits.values()))

    def at(self, revision: str) -> Commit:
        """Return the commit that a branch, a tag or an oid names."""
        name = revision.removeprefix("refs/heads/").removeprefix("refs/tags/")
        found = self.head if name == "main" else self.tags.get(name) or self.commits.get(name)
        if not found:
            raise AnswerError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return found

    def commit(self, tree: Mapping[str, Blob], title: str, *, message: str = "", author: str = "system") -> Commit:
        """Commit a whole tree on top of main."""
        tree = dict(tree)
        attributes = _attributes(tree) + self._lines_for_large_files(tree)
        if attributes:
            tree[".gitattributes"] = Blob(attributes.encode(), is_large=False)
        parent = self.head if self.commits else None
        named = [
            self.id,
            parent.oid if parent else "",
            title,
            *(f"{path} {tree[path].git_oid}" for path in sorted(tree)),
        ]
        oid = hashlib.sha1("\n".join(named).encode()).hexdigest()
        date = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.commits[oid] = Commit(oid, parent, title, message, author, date, tree)
        return self.head

    def _lines_for_large_files(self, tree: Mapping[str, Blob]) -> str:
        """Return what the Hub adds to .gitattributes: a line for every large file that no pattern names."""
        held = _attributes(tree)
        named = _large_patterns(held)
        large = [path for path, blob in sorted(tree.items()) if blob.is_large and not _matches(path, named)]
        separator = "\n" if large and held and not held.endswith("\n") else ""
        return separator + "".join(f"{path} filter=lfs diff=lfs merge=lfs -text\n" for path in large)

    def wants_large(self, path: str, sample: bytes, size: int) -> bool:
        """Whether a file is stored as a large object: its name says so, or it is big, or binary."""
        named = _large_patterns(_attributes(self.head.tree))
        return size > LARGEST_REGULAR or _is_binary(sample) or _matches(path, named)

    def tag(self, name: str, revision: str) -> None:
        if name in self.tags:
            raise AnswerError(409, "Tag reference exists already")
        self.tags[name] = self.at(revision)


def _attributes(tree: Mapping[str, Blob]) -> str:
    return tree[".gitattributes"].content.decode() if ".gitattributes" in tree else ""


def _large_patterns(attributes: str) -> list[str]:
    return [line.split()[0] for line in attributes.splitlines() if "filter=lfs" in line]


def _matches(path: str, patterns: list[str]) -> bool:
    name = path.rsplit("/", 1)[-1]
    return any(fnmatch(path if "/" in pattern else name, pattern) for pattern in patterns)


def _is_binary(sample: bytes) -> bool:
    try:
        # A full sample of 512 bytes may end within a character.
        text = codecs.getincrementaldecoder("utf-8")().decode(sample, final=len(sample) < 512)
    except UnicodeDecodeError:
        return True
    return "\0" in text
