"""What can go wrong in a user's hands: every such failure is a PhigenError, and its text is one line an error."""

from __future__ import annotations

from collections.abc import Sequence


class PhigenError(Exception):
    """A failure that the user can repair; its text is `where: what is wrong, got what; what to do`."""


class RecipeError(PhigenError):
    """A recipe that cannot be read, or whose parts contradict each other.

    Parameters
    ----------
    errors : str
        Every error in the recipe, one line each.
    """

    def __init__(self, *errors: str) -> None:
        super().__init__("\n".join(errors))
        self.errors: Sequence[str] = errors


class SimulationError(PhigenError):
    """A run whose result is not a flow: not finite, or not divergence-free."""


class StoreError(PhigenError):
    """A path that does not hold the dataset asked for, or that a dataset cannot be written to."""


class MeasureError(PhigenError):
    """A measurement or picture that the dataset does not allow."""


class BuildError(PhigenError):
    """A build that had to stop; the runs that were built are kept."""


class WindowError(PhigenError):
    """Windows of frames that the dataset does not have."""


class FormatError(PhigenError):
    """Data of another format that cannot be read, or a dataset that another format cannot hold."""


class HubError(PhigenError):
    """A repository of datasets that cannot be reached or changed, or that lacks what is asked for."""


class UnreachableError(HubError):
    """The Hub does not answer, or the client is set to work offline."""
