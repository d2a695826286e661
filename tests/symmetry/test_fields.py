"""Units and changes of units follow from one list of dimensions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phigen.symmetry.fields import ALWAYS, DIMS, FACES, FIELDS, SIMULATED, STORED_AS, coordinates

factors = st.floats(0.1, 10)


def test_units_are_those_of_the_data_model() -> None:
    assert {name: field.units for name, field in FIELDS.items()} == {
        "smoke": "1",
        "velocity": "cell step-1",
        "velocity_x": "cell step-1",
        "velocity_y": "cell step-1",
        "pressure": "cell2 step-1",
        "buoyancy": "cell step-2",
        "divergence": "step-1",
        "courant": "1",
    }


@given(factors, factors)
def test_a_change_of_units_is_the_product_of_its_parts(length: float, time: float) -> None:
    def by(name: str) -> float:
        return FIELDS[name].rescaled_by(length=length, time=time)

    assert by("smoke") == by("courant") == 1
    assert by("velocity") == by("velocity_x") == by("velocity_y") == by("buoyancy") == length / time
    assert by("pressure") == length * (length / time)
    assert by("divergence") == 1 / time


@given(st.sampled_from(sorted(FIELDS)), factors, factors, factors)
def test_changes_of_units_multiply(name: str, one: float, other: float, time: float) -> None:
    field = FIELDS[name]
    both = field.rescaled_by(length=one * other, time=time)
    assert both == pytest.approx(field.rescaled_by(length=one, time=time) * field.rescaled_by(length=other, time=1.0))


def test_every_field_is_stored_under_one_name_or_always() -> None:
    parts = [part for names in STORED_AS.values() for part in names]
    assert sorted([*parts, *ALWAYS]) == sorted(FIELDS)
    assert tuple(parts) == SIMULATED
    assert STORED_AS["faces"] == FACES
    assert all(set(field.dims) <= set(DIMS) for field in FIELDS.values())


def test_a_field_has_the_coordinates_of_its_dims() -> None:
    along = coordinates((3, 2), range(1, 7, 2))
    assert set(along) == set(DIMS) - {"region"}
    assert along["time"].tolist() == [1, 3, 5]
    assert (along["x"].tolist(), along["x_face"].tolist()) == ([0.5, 1.5, 2.5], [0, 1, 2, 3])
    assert (along["y"].tolist(), along["y_face"].tolist()) == ([0.5, 1.5], [0, 1, 2])
    assert along["time"].dtype == np.int64
