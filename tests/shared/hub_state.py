"""What a Hub keeps: users with tokens, and datasets with their commits, tags and stored objects.  Pure data.

Errors are those of the Hub: a status, the words of its answer and, where the client tells by it, an error code.
"""

from __future__ import annotations

import codecs
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatch
from functools import cached_property
from typing import Any

LARGEST_REGULAR = 10 * 2**20
"""Bytes beyond which even text is stored as a large file."""

ATTRIBUTES = "".join(
    f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n"
    for suffix in ["arrow", "bin", "gz", "h5", "npy", "npz", "parquet", "pt", "tar", "zip", "zst", "png", "jpg"]
)
"""The .gitattributes that every dataset begins with, in short."""


class AnswerError(Exception):
    """What the Hub does not do, and the answer that says so."""

    def __init__(self, status: int, message: str, code: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = dict(headers or {})


@dataclass(frozen=True)
class User:
    """Whom a token speaks for, and whether it may write."""

    name: str
    orgs: tuple[str, ...] = ()
    may_write: bool = True

    def belongs_to(self, namespace: str) -> bool:
        return namespace == self.name or namespace in self.orgs


@dataclass(frozen=True)
class Blob:
    """One file's content; git holds only a pointer to a large one."""

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
    """A whole tree of files, and where it comes from."""

    oid: str
    parent: Commit | None
    title: str
    message: str
    author: str
    date: str
    tree: Mapping[str, Blob]

    def line(self) -> Iterator[Commit]:
        """Give this commit, its parent, and so on."""
        commit: Commit | None = self
        while commit:
            yield commit
            commit = commit.parent

    def entry(self, path: str) -> dict[str, Any]:
        """Describe a file or a folder as the Hub lists it."""
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
        """Describe the commit that gave a file or a folder what it holds."""
        last = self
        for earlier in self.line():
            if earlier._oid_of(path) != self._oid_of(path):
                break
            last = earlier
        return {"id": last.oid, "title": last.title, "date": last.date}

    def has(self, path: str) -> bool:
        return path in self.tree or any(name.startswith(f"{path}/") for name in self.tree)

    def paths(self, folder: str, *, recursive: bool) -> list[str]:
        """Give what lies in a folder, folders first; of a file, itself."""
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
    """A dataset: its commits on main, its tags, and the large objects that were put for it, committed or not."""

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
        """Give the commit that a branch, a tag or an oid names."""
        name = revision.removeprefix("refs/heads/").removeprefix("refs/tags/")
        found = self.head if name == "main" else self.tags.get(name) or self.commits.get(name)
        if not found:
            raise AnswerError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return found

    def commit(self, tree: Mapping[str, Blob], title: str, *, message: str = "", author: str = "system") -> Commit:
        """Put a whole tree on top of main."""
        tree = dict(tree) | {".gitattributes": self._attributes_for(tree)}
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

    def _attributes_for(self, tree: Mapping[str, Blob]) -> Blob:
        """Give the .gitattributes of a tree: the Hub adds a line for every large file that no pattern names."""
        held = tree.get(".gitattributes", Blob(b"", is_large=False)).content.decode()
        named = _large_patterns(held)
        for path, blob in sorted(tree.items()):
            if blob.is_large and not _matches(path, named):
                held += f"{path} filter=lfs diff=lfs merge=lfs -text\n"
        return Blob(held.encode(), is_large=False)

    def wants_large(self, path: str, sample: bytes, size: int) -> bool:
        """Whether a file goes to the store of large objects: it is named so, big or binary."""
        attributes = self.head.tree[".gitattributes"].content.decode()
        return size > LARGEST_REGULAR or _is_binary(sample) or _matches(path, _large_patterns(attributes))

    def tag(self, name: str, revision: str) -> None:
        if name in self.tags:
            raise AnswerError(409, "Tag reference exists already")
        self.tags[name] = self.at(revision)


def _large_patterns(attributes: str) -> list[str]:
    return [line.split()[0] for line in attributes.splitlines() if "filter=lfs" in line]


def _matches(path: str, patterns: list[str]) -> bool:
    name = path.rsplit("/", 1)[-1]
    return any(fnmatch(path if "/" in pattern else name, pattern) for pattern in patterns)


def _is_binary(sample: bytes) -> bool:
    try:
        # A whole sample of 512 bytes may end within a letter.
        text = codecs.getincrementaldecoder("utf-8")().decode(sample, final=len(sample) < 512)
    except UnicodeDecodeError:
        return True
    return "\0" in text


@dataclass
class Hub:
    """Everybody's datasets, and who may do what with them."""

    users: dict[str, User] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    secret: str = field(default_factory=secrets.token_hex)

    def user(self, token: str | None) -> User | None:
        if token is not None and token not in self.users:
            raise AnswerError(401, "Invalid credentials in Authorization header")
        return self.users[token] if token is not None else None

    def someone(self, token: str | None) -> User:
        user = self.user(token)
        if not user:
            raise AnswerError(401, "Invalid username or password.")
        return user

    def visible(self, name: str, token: str | None) -> Repository:
        """Give a dataset to whom may know of it; others learn nothing, not even that it is there."""
        user = self.user(token)
        repository = self.repositories.get(name)
        if repository and not (repository.private and not (user and user.belongs_to(repository.namespace))):
            return repository
        if not user:
            raise AnswerError(401, "Invalid username or password.", "RepoNotFound")
        raise AnswerError(404, "Repository not found", "RepoNotFound")

    def readable(self, name: str, token: str | None) -> Repository:
        """Give a dataset to whom may read its files."""
        repository, user = self.visible(name, token), self.user(token)
        if not repository.gated or (user and user.belongs_to(repository.namespace)):
            return repository
        if not user:
            raise AnswerError(
                401, f"Access to dataset {name} is restricted. You must log in to access it.", "GatedRepo"
            )
        if user.name not in repository.granted:
            raise AnswerError(403, f"Access to dataset {name} is restricted and you are not authorized.", "GatedRepo")
        return repository

    def writable(self, name: str, token: str | None) -> Repository:
        """Give a dataset to whom may change it."""
        repository, user = self.visible(name, token), self.user(token)
        if not user:
            raise AnswerError(401, "Invalid username or password.", "RepoNotFound")
        self.check_rights(user, repository.namespace)
        return repository

    def check_rights(self, user: User, namespace: str) -> None:
        if not user.belongs_to(namespace):
            raise AnswerError(403, f'You don\'t have the rights to write under the namespace "{namespace}"')
        if not user.may_write:
            raise AnswerError(403, "Forbidden: you must use a write token to upload to a repository.")
