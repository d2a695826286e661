"""From a recipe to a model whose equivariance error is known.

Builds a dataset, publishes it, downloads it to another folder, opens it with plain xarray, trains a small network on
it, and measures the equivariance errors of the network and of its data.

    python examples/train.py OWNER/NAME          # on the Hugging Face Hub, after `hf auth login`
    make example                                 # on a loopback Hub on this machine, without an account
"""

from __future__ import annotations

import argparse
import time
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import xarray as xr
from torch.utils.data import DataLoader

import phigen
from phigen.torch import Windows


def train(windows: Windows, seconds: float) -> tuple[torch.nn.Module, float]:
    """Train a network to predict the next frame, and return it with its last loss."""
    torch.manual_seed(0)
    # Spawned: jax has simulated in this process, and its threads do not survive a fork.
    loader = DataLoader(
        windows, batch_size=16, shuffle=True, num_workers=2, persistent_workers=True, multiprocessing_context="spawn"
    )
    model = torch.nn.Sequential(
        torch.nn.Conv2d(2, 32, 5, padding=2), torch.nn.GELU(), torch.nn.Conv2d(32, 2, 5, padding=2)
    )
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    end = time.monotonic() + seconds
    loss = torch.tensor(torch.nan)
    for inputs, targets in chain.from_iterable(repeat(loader)):
        loss = torch.nn.functional.mse_loss(model(inputs[:, 0]), targets[:, 0])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if time.monotonic() > end:
            break
    return model, loss.item()


def main() -> None:
    """Run every step and print its result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", metavar="OWNER/NAME")
    parser.add_argument("--recipe", default="rotation_eq3")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to train")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        built = phigen.build(arguments.recipe, Path(folder) / "built.zarr")
        print(f"built {built.runs} runs")
        published = phigen.publish(built.path, arguments.repository)
        print(f"published {published.reference}, {published.uploaded} files")
        copy = phigen.download(str(published.reference), Path(folder) / "elsewhere")
        print(f"downloaded {copy.runs} runs, {copy.bytes / 1e6:.1f} MB")
        plain = xr.open_zarr(copy.path)
        print(f"opened by plain xarray: {dict(plain.sizes)}")

        dataset = phigen.open(copy.path)
        model, loss = train(Windows(dataset, input=1, horizon=1, normalise=False), arguments.seconds)
        print(f"trained, last squared error {loss:.4g}")
        of_model = phigen.symmetry.model_error(model, dataset.isel(time=slice(None, None, 10)), "C4")
        errors = phigen.summarize(phigen.measure(dataset)).sel(variable="velocity")
        print(f"equivariance error of the model, mean absolute: {of_model.l1:.4g}")
        for level in errors["level"].values:
            print(f"equivariance error of the data at level {level:g}: {float(errors['mae'].sel(level=level)):.4g}")


if __name__ == "__main__":
    main()
