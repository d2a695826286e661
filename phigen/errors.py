"""What can go wrong in a user's hands: every such failure is a PhigenError and reads as one line a fault."""

from __future__ import annotations

from collections.abc import Sequence


class PhigenError(Exception):
    """A failure that the user can mend; its text is `where: what is wrong, got what; what to do`."""


class RecipeError(PhigenError):
    """A recipe that cannot be read or does not make sense.

    Parameters
    ----------
    faults : str
        Every fault that was found, one line each.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults: Sequence[str] = faults


class SimulationError(PhigenError):
    """A run whose result is not a flow: not finite, or not divergence-free."""


class StoreError(PhigenError):
    """A place on disk that cannot hold, or does not hold, what is asked of it."""


class MeasureError(PhigenError):
    """A measurement or picture that the dataset cannot give."""


class BuildError(PhigenError):
    """A build that could not go on; what was built is kept."""


class WindowError(PhigenError):
    """Windows of frames that the dataset does not have."""


class FormatError(PhigenError):
    """Data of another format that cannot be read, or a dataset that another format cannot hold."""


class HubError(PhigenError):
    """A repository of datasets that cannot be reached or changed, or does not hold what is asked of it."""


class UnreachableError(HubError):
    """The Hub does not answer, or is not to be asked."""
