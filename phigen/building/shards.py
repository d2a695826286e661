"""What a worker does: simulate, act on the results, measure them while they are in memory, and write whole shards."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from phigen.building.tasks import Made
from phigen.errors import SimulationError, StoreError
from phigen.measurement.differences import compare
from phigen.planning.plans import Plan
from phigen.planning.runs import Run
from phigen.simulation import program
from phigen.simulation.cache_folder import CacheWarning
from phigen.simulation.instruction_set import InstructionSetWarning
from phigen.store import measured, writing
from phigen.store.parts import Rows
from phigen.store.statistics import moments_of, no_moments
from phigen.symmetry.actions import act
from phigen.symmetry.element import Box
from phigen.symmetry.fields import ALWAYS, DIMS, STORED_AS

if TYPE_CHECKING:
    import xarray as xr


class Store(NamedTuple):
    """What a worker knows of the store: where it is, and what it holds of each run."""

    path: str
    fields: tuple[str, ...]
    """Those that are in shards."""
    box: Box
    errors: bool
    """Whether errors are measured."""
    training: slice
    """The frames that enter the statistics, by their numbers."""

    @classmethod
    def of(cls, path: Path, plan: Plan) -> Self:
        """Return what a worker needs to know of the store of a plan."""
        fields = tuple(name for name in plan.fields if name not in ALWAYS)
        training = slice(*plan.split_frames.get("train", (None, None)))
        return cls(str(path), fields, plan.recipe.grid.box, plan.has_errors, training)


def prepare(store: Store, run: Run) -> None:
    """Compile what a run's simulation needs."""
    with _silenced():
        program.prepare(run.simulation, fields=store.fields)


def simulated(store: Store, run: Run) -> xr.Dataset:
    """Simulate what a run is made from.

    Raises
    ------
    SimulationError
        Naming the run.
    """
    with _silenced():
        try:
            return program.simulate(run.simulation, fields=store.fields)
        except SimulationError as error:
            raise SimulationError(f"{run}: {error}") from error


@contextmanager
def _silenced() -> Iterator[None]:
    """Silence the warnings that `build` has given."""
    with warnings.catch_warnings():
        for said in (InstructionSetWarning, CacheWarning):
            warnings.simplefilter("ignore", said)
        yield


def make_shards(store: Store, shards: Mapping[int, Sequence[Made]], handed: Mapping[int, xr.Dataset]) -> int:
    """Make and write shards, and return the number of their runs.

    Parameters
    ----------
    store : Store
        Where they belong.
    shards : mapping of int to sequence of Made
        What is made, by shard.
    handed : mapping of int to Dataset
        The results of simulations that were made elsewhere, by their numbers; all others are made here.

    Raises
    ------
    SimulationError, StoreError
        Naming the run.
    """
    flows = _Flows(store, handed, [one for made in shards.values() for one in made])
    for shard, made in shards.items():
        try:
            fields, rows = _of_shard(store, made, flows)
            writing.write_shard(Path(store.path), shard, fields, rows)
        except OSError as error:
            raise StoreError(
                f"{store.path}: {made[0].run} cannot be written, {error.strerror}; what was built is kept: make room, "
                "then run the same build again"
            ) from error
    return sum(map(len, shards.values()))


def _of_shard(store: Store, made: Sequence[Made], flows: _Flows) -> tuple[dict[str, np.ndarray], Rows]:
    """Make all runs of a shard: their fields and what is measured of them, each with the runs along the first axis."""
    fields: dict[str, np.ndarray] = {}
    rows: dict[str, np.ndarray] = {}
    for place, one in enumerate(made):
        own = act(flows.of(one.simulation, one.run), one.run.after)
        values = {name: own[name].transpose(*DIMS, missing_dims="ignore").values for name in (*store.fields, *ALWAYS)}
        of_run = {name: values.pop(name) for name in ALWAYS}
        of_run |= _errors(store, one, own, flows) if store.errors else {}
        of_run[measured.MOMENTS] = _moments(store, one.run, values, own["time"])
        for into, from_run in ((fields, values), (rows, of_run)):
            for name, array in from_run.items():
                if name not in into:
                    into[name] = np.empty((len(made), *array.shape), array.dtype)
                into[name][place] = array
    return fields, rows


def _moments(store: Store, run: Run, values: Mapping[str, np.ndarray], time: xr.DataArray) -> np.ndarray:
    """Compute the moments of a run's training frames; NaN for a run that is not for training."""
    if run.split != "train":
        return no_moments(values)
    training = time.get_index("time").slice_indexer(store.training.start, store.training.stop)
    return moments_of({name: field[training] for name, field in values.items()})


class _Flows:
    """The results of simulations, made when they are first needed and kept while another run needs them."""

    def __init__(self, store: Store, handed: Mapping[int, xr.Dataset], made: Iterable[Made]) -> None:
        self._store, self._kept = store, dict(handed)
        self._left = Counter(number for one in made for number in one.needs)

    def of(self, number: int, run: Run) -> xr.Dataset:
        """Return the result of the simulation with a number, which a run is made from."""
        if number not in self._kept:
            self._kept[number] = simulated(self._store, run)
        self._left[number] -= 1
        return self._kept[number] if self._left[number] else self._kept.pop(number)


def _errors(store: Store, one: Made, own: xr.Dataset, flows: _Flows) -> dict[str, np.ndarray]:
    """Measure how far a run is from the first run of its orbit: (variable, time) for each mean."""
    names = measured.variables(store.fields)
    if one.reference is None:
        return {name: np.full((len(names), own.sizes["time"]), np.nan) for name in measured.ERRORS}
    number, first = one.reference
    reference = act(flows.of(number, first), first.after)
    found: list[dict[str, np.ndarray]] = []
    for name in names:
        parts = [*STORED_AS[name]]
        found += compare(reference[parts], {0: (own[parts], one.run.element)}, box=store.box).values()
    return {name: np.stack([of_variable[name] for of_variable in found]) for name in measured.ERRORS}
