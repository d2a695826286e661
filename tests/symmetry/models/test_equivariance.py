"""A model's error is zero exactly where it is equivariant, and a known breaking has its known value."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from phigen.errors import MeasureError
from phigen.store.reading import open as open_dataset
from phigen.symmetry.models import samples as sample
from phigen.symmetry.models.equivariance import Errors, lie_derivative, model_error
from phigen.symmetry.point_groups import POINT_GROUPS

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

STRETCH = np.diag([1.1, 0.9])
NONTRIVIAL = sorted(set(POINT_GROUPS) - {"C1"})


def cubic(u):
    """u |u|^2, which commutes with every rotation and reflection."""
    return u * (u[..., :1, :, :] ** 2 + u[..., 1:, :, :] ** 2)


def stretched(u: np.ndarray) -> np.ndarray:
    return np.einsum("ij,...jyx->...iyx", STRETCH, u)


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((5, 2, 12, 12))


def smooth(cells: int) -> np.ndarray:
    """One smooth field on a box of side 1, with nothing symmetric about it."""
    at = (np.arange(cells) + 0.5) / cells
    x, y = at, at[:, None]
    return np.stack([np.sin(3 * x + y) + 0 * y, np.cos(2 * y) * np.exp(x)])[None]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("group", NONTRIVIAL)
def test_an_equivariant_model_has_no_error_to_the_last_bit(group: str, dtype: type, noise: np.ndarray) -> None:
    error = model_error(cubic, noise.astype(dtype), group)
    assert error.by_element == {g: Errors(0, 0, 0) for g in POINT_GROUPS[group] if g != "identity"}
    assert (error.l1, error.l2, error.supremum) == (0, 0, 0)


def test_a_constant_wind_has_the_error_of_a_hand(noise: np.ndarray) -> None:
    """f(u) = u + c: c - g c is (1, -1), (2, 0) and (1, 1) for the three rotations of c = (1, 0)."""
    error = model_error(lambda u: u + np.array([1.0, 0.0])[:, None, None], noise, "C4")
    sizes = {name: (each.l1, each.l2, each.supremum) for name, each in error.by_element.items()}
    assert sizes["rotate90"] == pytest.approx((1, 1, 1))
    assert sizes["rotate180"] == pytest.approx((1, np.sqrt(2), 1))
    assert sizes["rotate270"] == pytest.approx((1, 1, 1))
    assert (error.l1, error.l2, error.supremum) == pytest.approx((1, np.sqrt(4 / 3), 1))


def test_a_stretch_breaks_what_swaps_the_axes_and_nothing_else(noise: np.ndarray) -> None:
    """M R - R M is zero for R that is diagonal, and otherwise has two entries of size 2 epsilon."""
    error = model_error(stretched, noise, "D4").by_element
    for name in ("rotate180", "mirror_x", "mirror_y"):
        assert error[name] == Errors(0, 0, 0)
    for name in ("rotate90", "rotate270", "mirror_diagonal", "mirror_antidiagonal"):
        assert error[name].l1 == pytest.approx(0.2 * np.abs(noise).mean())
        assert error[name].l2 == pytest.approx(0.2 * np.sqrt((noise**2).mean()))
        assert error[name].supremum == pytest.approx(0.2 * np.abs(noise).mean(axis=(1, 2, 3)).max())


def test_it_is_the_error_that_is_written_out_by_hand(noise: np.ndarray) -> None:
    """A rotation by 90 degrees counter-clockwise, written in numpy, and a model that breaks every symmetry."""

    def f(u: np.ndarray) -> np.ndarray:
        return np.roll(u, 1, -1) * (1 + np.arange(12)) + u[..., ::-1, :, :] ** 2

    def rotated(u: np.ndarray) -> np.ndarray:
        x, y = np.moveaxis(u.swapaxes(-1, -2)[..., ::-1], -3, 0)
        return np.stack([-y, x], axis=-3)

    upright = np.zeros((1, 2, 12, 12))
    upright[0, 0, 2, 9] = 1
    assert np.argwhere(rotated(upright)).tolist() == [[0, 1, 9, 9]]
    difference = np.abs(f(rotated(noise)) - rotated(f(noise)))
    error = model_error(f, noise, "C4").by_element["rotate90"]
    assert error.l1 == pytest.approx(difference.mean())
    assert error.l2 == pytest.approx(np.sqrt((difference**2).mean()))
    assert error.supremum == pytest.approx(difference.mean(axis=(1, 2, 3)).max())


def test_an_item_may_be_a_window_of_frames(noise: np.ndarray) -> None:
    windows = np.stack([noise, 2 * noise])
    error = model_error(stretched, windows, "C4").by_element["rotate90"]
    assert error.l1 == pytest.approx(0.2 * 1.5 * np.abs(noise).mean())
    assert error.supremum == pytest.approx(0.2 * 2 * np.abs(noise).mean())
    assert model_error(stretched, noise[0], "C4").l1 == pytest.approx(0.2 * np.abs(noise[0]).mean() * 2 / 3)


def test_a_model_of_windows_is_wrapped(noise: np.ndarray) -> None:
    """Frames as channels, as the documents wrap them: a swap of two frames commutes with every element."""
    network = torch.nn.Conv2d(4, 4, 1, bias=False).double()
    with torch.no_grad():
        network.weight.copy_(torch.eye(4)[[2, 3, 0, 1]][..., None, None])
    windows = np.stack([noise[:2], noise[2:4], noise[3:]])

    def wrapped(u: torch.Tensor) -> torch.Tensor:
        return network(u.flatten(1, 2)).unflatten(1, (-1, 2))

    assert model_error(wrapped, windows, "D4").supremum == 0
    derivative = lie_derivative(wrapped, windows)
    assert (derivative.supremum, derivative.method) == (0, "jvp")


def test_streaming_gives_the_same_as_all_at_once(eq3: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = open_dataset(eq3).isel(run=[5, 9], time=slice(30, 41))

    def uneven(u: np.ndarray) -> np.ndarray:
        return cubic(u) + u[..., ::-1, :, :] * np.arange(64)

    velocity = dataset["velocity"].values.reshape(-1, 2, 64, 64)
    measured = [model_error(uneven, dataset, "D4"), lie_derivative(uneven, dataset)]
    assert measured == [model_error(uneven, velocity, "D4"), lie_derivative(uneven, velocity)]
    monkeypatch.setattr(sample, "CELLS_AT_ONCE", 3 * 64 * 64)
    assert measured == [model_error(uneven, dataset, "D4"), lie_derivative(uneven, dataset)]
    assert model_error(cubic, dataset.isel(run=0, time=0), "D4").supremum == 0


def test_what_a_framework_makes_is_what_numpy_makes(noise: np.ndarray) -> None:
    small = noise.astype(np.float32)
    layer = torch.nn.Conv2d(2, 2, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(STRETCH)[..., None, None])
    expected = dataclasses.astuple(model_error(stretched, small, "D4"))[:3]
    matrix = torch.tensor(STRETCH, dtype=torch.float32)
    for f in (
        layer,
        lambda u: torch.einsum("ij,...jyx->...iyx", matrix, u),
        lambda u: layer(torch.from_numpy(u)),
        lambda u: layer(torch.from_numpy(u)).detach().numpy(),
        jax.jit(lambda u: jnp.einsum("ij,...jyx->...iyx", STRETCH, u)),
        lambda u: u.at[:, 0].multiply(1.1).at[:, 1].multiply(0.9),
    ):
        assert dataclasses.astuple(model_error(f, small, "D4"))[:3] == pytest.approx(expected, rel=1e-6)
    assert model_error(layer.double(), small, "D4").l1 == pytest.approx(expected[0], rel=1e-6)


def test_a_module_is_measured_in_evaluation_mode_and_left_as_it_was(noise: np.ndarray) -> None:
    """Dropout would be another model at every call, and a batch norm would learn from being measured."""
    model = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.BatchNorm2d(2), torch.nn.ReLU(inplace=True)).double()
    model[1].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert model_error(model, noise, "D1_x").l1 == model_error(model, noise, "D1_x").l1
    lie_derivative(model, noise)
    assert [part.training for part in model.modules()] == [True, True, False, True]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_model_that_works_in_place_is_measured_as_it_is(noise: np.ndarray) -> None:
    def f(u: np.ndarray) -> np.ndarray:
        u *= STRETCH.diagonal()[:, None, None]
        return u

    kept = noise.copy()
    assert model_error(f, noise, "C4") == model_error(stretched, noise, "C4")
    assert lie_derivative(f, noise).l1 == pytest.approx(0.2 * np.abs(noise).mean(), rel=1e-8)
    np.testing.assert_array_equal(noise, kept)


def boxes(noise: np.ndarray, boundary: str, *elements: str) -> xr.Dataset:
    attributes = {"group": "translation", "elements": list(elements), "boundaries": [boundary] * 4}
    return xr.Dataset({"velocity": (("time", "component", "y", "x"), noise)}, attrs=attributes)


def test_shifts_of_a_periodic_box_are_a_group_too(noise: np.ndarray) -> None:
    dataset = boxes(noise, "periodic", "identity", "shift(3, 0)", "shift(0, 5)")
    assert model_error(lambda u: u - np.roll(u, 1, -1), dataset, "translation").supremum == 0
    weights = np.where(np.arange(12) < 6, 0.0, 1.0)
    error = model_error(lambda u: u * weights, dataset, "translation").by_element
    assert error["shift(0, 5)"] == Errors(0, 0, 0)
    shifted = np.roll(noise, 3, -1)
    assert error["shift(3, 0)"].l1 == pytest.approx(np.abs(shifted * (weights - np.roll(weights, 3))).mean())


def test_shifts_that_lose_something_are_refused(noise: np.ndarray) -> None:
    with pytest.raises(MeasureError, match=r"shift\(3, 0\) is not a shift by whole cells of a periodic box"):
        model_error(cubic, boxes(noise, "closed", "identity", "shift(3, 0)"), "translation")
    with pytest.raises(MeasureError, match="is not a shift by whole cells"):
        model_error(cubic, boxes(noise, "periodic", "identity", "shift(0.5, 0)"), "translation")
    with pytest.raises(MeasureError, match="the translations are a dataset's own"):
        model_error(cubic, noise, "translation")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("factor", [1, 2, -0.5])
def test_the_identity_and_scalings_have_no_lie_derivative(factor: float, dtype: type, noise: np.ndarray) -> None:
    """Powers of two keep every bit; jax computes in single precision by default."""
    field = noise.astype(dtype)
    in_jax = [jax.jit(lambda u: factor * u)] if dtype is np.float32 else []
    for f in (lambda u: factor * u.clone(), torch.nn.Identity(), *in_jax):
        derivative = lie_derivative(f, field)
        assert (derivative.l1, derivative.l2, derivative.supremum, derivative.method) == (0, 0, 0, "jvp")
    assert lie_derivative(lambda u: factor * u, field).l1 < 1e3 * np.finfo(dtype).eps ** (2 / 3)


def test_a_stretch_has_the_lie_derivative_of_a_commutator(noise: np.ndarray) -> None:
    """L f = [M, J] u for f(u) = M u, whatever u is: gradients are linear, and M does not move a value."""
    field = noise.astype(np.float32)
    u = field.astype(np.float64)
    expected = (0.2 * np.abs(u).mean(), 0.2 * np.sqrt((u**2).mean()), 0.2 * np.abs(u).mean(axis=(1, 2, 3)).max())
    single, double = (torch.tensor(STRETCH, dtype=dtype) for dtype in (torch.float32, torch.float64))
    models = {
        "numpy": (stretched, field, "central difference", 3e-4),
        "numpy in double precision": (stretched, u, "central difference", 1e-9),
        "torch": (lambda v: torch.einsum("ij,...jyx->...iyx", single, v), field, "jvp", 1e-6),
        "torch in double precision": (lambda v: torch.einsum("ij,...jyx->...iyx", double, v), u, "jvp", 1e-12),
        "jax": (lambda v: jnp.einsum("ij,...jyx->...iyx", STRETCH, v), field, "jvp", 1e-6),
        "jitted": (jax.jit(lambda v: jnp.einsum("ij,...jyx->...iyx", STRETCH, v)), field, "jvp", 1e-6),
    }
    for name, (f, v, method, tolerance) in models.items():
        derivative = lie_derivative(f, v)
        assert derivative.method == method, name
        assert (derivative.l1, derivative.l2, derivative.supremum) == pytest.approx(expected, rel=tolerance), name


def test_a_constant_wind_has_the_lie_derivative_of_its_rotation(noise: np.ndarray) -> None:
    """L f = -J c for f(u) = u + c."""
    wind = torch.tensor([3.0, 0.0], dtype=torch.float64)[:, None, None]
    derivative = lie_derivative(lambda u: u.clone() + wind, noise)
    assert derivative.method == "jvp"
    assert (derivative.l1, derivative.l2, derivative.supremum) == pytest.approx((1.5, 3 / np.sqrt(2), 1.5), rel=1e-9)


def test_a_vortex_and_a_source_in_the_centre_are_as_they_were(noise: np.ndarray) -> None:
    """Models that give the same field whatever they see: only one that is symmetric itself is equivariant."""
    x = np.arange(12) - 5.5
    vortex, source = (
        np.stack([-x[:, None] + 0 * x, x + 0 * x[:, None]]),
        np.stack([x + 0 * x[:, None], x[:, None] + 0 * x]),
    )
    for field in (vortex, source):
        assert lie_derivative(lambda u, field=field: 0 * u + field, noise).supremum < 1e-12
        off = np.roll(field, 1, axis=-1)
        assert lie_derivative(lambda u, off=off: 0 * u + off, noise).l1 > 0.5


def test_the_box_need_not_be_square() -> None:
    """f(u) = x u has L f = -y u, exactly so where u is linear."""
    x, y = np.arange(10) - 4.5, np.arange(6)[:, None] - 2.5
    u = np.stack([2 * x - y, 3 * y + 0 * x + 1])[None]
    derivative = lie_derivative(lambda v: torch.from_numpy(x) * v.clone(), u)
    assert derivative.method == "jvp"
    assert derivative.l1 == pytest.approx(np.abs(y * u).mean(), rel=1e-12)


def test_what_gradients_cut_off_quarters_with_half_the_cell() -> None:
    """A smooth equivariant model on a smooth field: all that is left is the truncation of the gradients."""
    left = [lie_derivative(cubic, smooth(cells)) for cells in (16, 32, 64, 128)]
    for size in ("l1", "l2", "supremum"):
        sizes = np.array([getattr(derivative, size) for derivative in left])
        np.testing.assert_allclose(np.log2(sizes[:-1] / sizes[1:]), 2, atol=0.2)


def test_frameworks_agree_on_a_network(noise: np.ndarray) -> None:
    """The same two layers, in torch, in jax, and by central differences of each in double precision."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, padding=1), torch.nn.Tanh(), torch.nn.Conv2d(4, 2, 3, padding=1)
    ).double()
    kernels = [jnp.asarray(part.weight.detach().numpy()) for part in (network[0], network[2])]
    biases = [jnp.asarray(part.bias.detach().numpy())[:, None, None] for part in (network[0], network[2])]

    def in_jax(u: jax.Array) -> jax.Array:
        first, second = (lambda v, i=i: jax.lax.conv(v, kernels[i], (1, 1), "SAME") + biases[i] for i in (0, 1))
        return second(jnp.tanh(first(jnp.asarray(u))))

    derivative = lie_derivative(network, noise)
    beside = lie_derivative(lambda u: network(torch.from_numpy(u)).detach().numpy(), noise)
    assert (derivative.method, beside.method) == ("jvp", "central difference")
    assert derivative.l1 == pytest.approx(beside.l1, rel=1e-8)
    of_jax = lie_derivative(in_jax, noise.astype(np.float32))
    assert of_jax.method == "jvp"
    assert of_jax.l2 == pytest.approx(derivative.l2, rel=1e-5)


class Doubled(torch.autograd.Function):
    """A layer of a user's own, which has no jvp."""

    @staticmethod
    def forward(ctx, u):
        return 2 * u

    @staticmethod
    def backward(ctx, v):
        return 2 * v


def test_what_has_no_jvp_is_differentiated_by_a_central_difference(noise: np.ndarray) -> None:
    by_numpy = (lambda u: torch.from_numpy(2 * u.clone().numpy()), lambda u: jnp.asarray(2 * np.asarray(u)))
    for f in (Doubled.apply, *by_numpy):
        derivative = lie_derivative(f, noise)
        assert derivative.method == "central difference"
        assert derivative.l1 < 1e-2


def test_a_jvp_that_hides_something_is_refused(noise: np.ndarray) -> None:
    for f in (
        lambda u: u.clone() + 5 * torch.tanh(u.detach()),
        lambda u: jnp.asarray(u) + 5 * jnp.tanh(jax.lax.stop_gradient(u)),
    ):
        with pytest.raises(MeasureError, match="its jvp and its central difference disagree"):
            lie_derivative(f, noise)


def test_a_box_at_rest_has_no_error(noise: np.ndarray) -> None:
    rest = 0 * noise
    assert model_error(cubic, rest, "D4").supremum == 0
    assert lie_derivative(cubic, rest).supremum == 0
    assert lie_derivative(lambda u: torch.tanh(u), rest).supremum == 0


def test_what_is_no_model_of_velocities_is_refused(noise: np.ndarray) -> None:
    with pytest.raises(MeasureError, match=r"returns shape \(5, 1, 12, 12\) for velocities of shape \(5, 2, 12, 12\)"):
        model_error(lambda u: u[:, :1], noise, "C4")
    with pytest.raises(MeasureError, match=r"f: fails on .*; with numpy: ZeroDivisionError, .*, with torch: .*Zero"):
        model_error(lambda u: u / (1 // 0), noise, "C4")
    with pytest.raises(MeasureError, match="sample 3: f returns after rotate180 values that are not finite"):
        model_error(lambda u: np.where(u == -noise[3, 0, 0, 0], np.nan, u), noise, "C2")
    broken = noise.copy()
    broken[2, 0, 0, 0] = np.nan
    with pytest.raises(MeasureError, match="sample 2: the velocity has values that are not finite"):
        lie_derivative(cubic, broken)


def test_samples_and_groups_that_do_not_fit_are_refused(noise: np.ndarray) -> None:
    with pytest.raises(MeasureError, match=r"the shape \(\.\.\., 2, H, W\), got \(5, 12, 12\); choose"):
        model_error(cubic, noise[:, 0], "C4")
    with pytest.raises(MeasureError, match="the dataset has no velocity, got smoke"):
        model_error(cubic, xr.Dataset({"smoke": (("y", "x"), noise[0, 0])}), "C4")
    with pytest.raises(MeasureError, match="group: rotate90 needs a square box, got 7 x 12 cells; choose a group"):
        model_error(cubic, noise[..., :7], "C4")
    assert model_error(cubic, noise[..., :7], "D2").supremum == 0
    with pytest.raises(MeasureError, match=r"group: there is no such group, got C5; known are C1, C2, C4, .*, scaling"):
        model_error(cubic, noise, "C5")
    with pytest.raises(MeasureError, match="group: C1 has no element besides the identity; choose a larger group"):
        model_error(cubic, noise, "C1")
    with pytest.raises(MeasureError, match="group: a model of one box cannot be measured with scalings"):
        model_error(cubic, noise, "scaling")
    with pytest.raises(MeasureError, match="2 x 12 cells; a Lie derivative needs 3"):
        lie_derivative(cubic, noise[..., :2])


def test_no_framework_is_imported() -> None:
    code = (
        "import sys, numpy, phigen\n"
        "u = numpy.random.default_rng(0).standard_normal((2, 2, 8, 8))\n"
        "assert phigen.symmetry.model_error(lambda v: v, u, 'D4').l1 == 0\n"
        "assert phigen.symmetry.lie_derivative(lambda v: v, u).method == 'central difference'\n"
        "assert not {'torch', 'jax', 'phi'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
