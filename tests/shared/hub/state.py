"""What a Hub knows: users with their tokens, datasets, and who may see, read and write them.  Pure data."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from tests.shared.hub.errors import AnswerError
from tests.shared.hub.repositories import Repository


@dataclass(frozen=True)
class User:
    """The owner of a token, and whether the token may write."""

    name: str
    orgs: tuple[str, ...] = ()
    may_write: bool = True

    def belongs_to(self, namespace: str) -> bool:
        return namespace == self.name or namespace in self.orgs


@dataclass
class Hub:
    """All users and datasets, and who may do what with them."""

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
        """Return a dataset to a user who may see it; nobody else learns that it exists."""
        user = self.user(token)
        repository = self.repositories.get(name)
        if repository and not (repository.private and not (user and user.belongs_to(repository.namespace))):
            return repository
        if not user:
            raise AnswerError(401, "Invalid username or password.", "RepoNotFound")
        raise AnswerError(404, "Repository not found", "RepoNotFound")

    def readable(self, name: str, token: str | None) -> Repository:
        """Return a dataset to a user who may read its files."""
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
        """Return a dataset to a user who may change it."""
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
