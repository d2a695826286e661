"""A sequence whose items are made when they are asked for: a million of them take no more room than their columns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import SupportsIndex, TypeVar, overload

Item = TypeVar("Item", covariant=True)


class LazySequence(Sequence[Item]):
    """A sequence that makes its items; a slice is a tuple of them."""

    @abstractmethod
    def item(self, number: int) -> Item:
        """Make the item of a place from 0 to the length."""

    @overload
    def __getitem__(self, place: SupportsIndex) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, place: SupportsIndex | slice) -> Item | tuple[Item, ...]:
        if isinstance(place, slice):
            return tuple(map(self.item, range(len(self))[place]))
        return self.item(range(len(self))[place])
