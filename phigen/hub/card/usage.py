"""Sections of a card to copy from: how to load, cite and rebuild a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from phigen.hub.card.markdown import fenced, number, plain, table
from phigen.symmetry.fields import ALWAYS

INPUT, HORIZON = 10, 20
"""Frames of the published windows; of a split that has fewer, a third and the rest."""


@dataclass(frozen=True)
class Source:
    """Where a dataset is published, OWNER/NAME, and as which version."""

    repository: str
    version: str

    @property
    def pinned(self) -> str:
        """The repository at its tag."""
        return f"{self.repository}@v{self.version}"

    @property
    def address(self) -> str:
        """What xarray and phigen open."""
        return f"hf://datasets/{self.pinned}"


def loading(facts: Mapping[str, Any], source: Source) -> str:
    """Give how to open, choose, load and download, each as a block that runs as it stands."""
    blocks = [
        (
            "With phigen (`pip install phigen`), which reads what is asked for and nothing more:",
            "python",
            _phigen(facts, source),
        ),
        (
            "With plain xarray and no phigen (`pip install xarray zarr huggingface_hub`):",
            "python",
            f'import xarray\n\ndataset = xarray.open_zarr("{source.address}/store.zarr", chunks=None)',
        ),
        (
            "The index alone, to see which runs there are (`pip install datasets`):",
            "python",
            "from datasets import load_dataset\n\n"
            f'index = load_dataset("{source.repository}", split="runs", revision="v{source.version}")\n'
            f'chosen = index.to_pandas().query("{_choice(facts)}")  # its column run says which',
        ),
        *(
            [('Windows for torch (`pip install "phigen[torch]"`):', "python", _torch(facts, source))]
            if _has(facts, "velocity")
            else []
        ),
        ("To keep a copy, or a part of one; each file is checked:", "console", "\n".join(_downloads(facts, source))),
    ]
    return "\n\n".join(f"{said}\n\n{fenced(language, text)}" for said, language, text in blocks)


def _phigen(facts: Mapping[str, Any], source: Source) -> str:
    fields = [variable for variable in facts["variables"] if variable["name"] not in ALWAYS]
    shown = next((field for field in fields if field["name"] == "velocity"), fields[0])
    dims = ", ".join(dim for dim in shown["dims"] if dim != "run")
    return (
        f'import phigen\n\ndataset = phigen.open("{source.address}")\n'
        f'level = dataset.isel(run=dataset["level"] == {number(_level(facts))})\n'
        f'window = level["{shown["name"]}"].isel(run=0, time=slice(0, {INPUT})).values  # ({dims})'
    )


def _torch(facts: Mapping[str, Any], source: Source) -> str:
    first, last = facts["split_frames"].get("train", facts["frames"])
    stored = facts["variables"][0]["shape"][1]
    every = (facts["frames"][1] - facts["frames"][0]) // max(stored - 1, 1) or 1
    frames = (last - first) // every + 1
    given, asked = (INPUT, HORIZON) if frames >= INPUT + HORIZON else (frames // 3 or 1, frames - (frames // 3 or 1))
    return (
        "import phigen\nimport phigen.torch\nfrom torch.utils.data import DataLoader\n\n"
        f'dataset = phigen.open("{source.address}")\n'
        f'windows = phigen.torch.Windows(dataset, input={given}, horizon={asked}, split="train")\n'
        "batch = next(iter(DataLoader(windows, batch_size=8, shuffle=True)))"
    )


def _downloads(facts: Mapping[str, Any], source: Source) -> Iterator[str]:
    yield f"$ phigen download {source.pinned}"
    if len(facts["levels"]) > 1:
        yield f"$ phigen download {source.pinned} --level {number(_level(facts))}"
    if len(facts["splits"]) > 1:
        yield f"$ phigen download {source.pinned} --split train"


def citation(facts: Mapping[str, Any], source: Source) -> str:
    """Give an entry for BibTeX, and what the recipe refers to."""
    title = facts["name"].replace("_", r"\_")
    entry = f"""\
@misc{{{facts["name"]}-{source.version},
  title = {{{title}: fluid flows whose symmetry is measured, version {source.version}}},
  author = {{{source.repository.split("/")[0].replace("_", chr(92) + "_")}}},
  publisher = {{Hugging Face}},
  url = {{https://huggingface.co/datasets/{source.repository}/tree/v{source.version}}},
}}"""
    references = "\n".join(f"- {plain(reference)}" for reference in facts["references"])
    return fenced("bibtex", entry) + (f"\n\nIt builds on\n\n{references}" if references else "")


def provenance(facts: Mapping[str, Any], source: Source) -> str:
    """Give the digests of recipe and content, what computed it, and how to build it again."""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    rows = [
        *([("recipe.yaml, sha256", f"`{facts.get('recipe_sha256')}`")] if facts.get("recipe_sha256") else []),
        ("store.zarr/manifest.json, sha256", f"`{facts['content_sha256']}`"),
        ("versions", plain(versions)),
    ]
    told = (
        f"{table(('what', 'which'), rows)}\n\nThe store's `manifest.json` has the size and sha256 of every other file "
        "of it, so that its own digest stands for the whole content; `files.json` has those of every published file."
    )
    return told + (f"\n\n{_rebuilding(facts, source)}" if facts.get("recipe_sha256") else "")


def _rebuilding(facts: Mapping[str, Any], source: Source) -> str:
    packages = " ".join(f"{name}=={version}" for name, version in facts["versions"].items())
    block = f"""\
$ pip install {packages}
$ hf download {source.repository} recipe.yaml --repo-type dataset --revision v{source.version} --local-dir .
$ phigen build recipe.yaml --out rebuilt.zarr
$ sha256sum rebuilt.zarr/manifest.json"""
    return (
        "To build it again, byte by byte on the same kind of processor: the last line prints the digest above.\n\n"
        + fenced("console", block)
    )


def _level(facts: Mapping[str, Any]) -> float:
    """Give the level that examples choose: the middle one, as the picture does."""
    levels: list[float] = facts["levels"]
    return levels[len(levels) // 2]


def _choice(facts: Mapping[str, Any]) -> str:
    return f"level == {number(_level(facts))}" if len(facts["levels"]) > 1 else "split == 'train'"


def _has(facts: Mapping[str, Any], name: str) -> bool:
    return any(variable["name"] == name for variable in facts["variables"])
