"""A card says what the dataset and the measurement say, keeps users' text as text, and its blocks run."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
import pytest
import xarray as xr
from huggingface_hub import DatasetCard

from phigen.building.builder import build
from phigen.hub.card.filling import card
from phigen.hub.card.markdown import plain
from phigen.hub.reference import Reference
from phigen.hub.run_index import run_table, write_run_table
from phigen.measurement.data_error import average, measure_runs, summarize
from phigen.recipe.loading import parse
from phigen.store.pipeline import quiet
from phigen.store.reading import open as open_dataset
from phigen.store.summary import describe
from tests.shared.recipes import SMALL

ADDRESS = "hf://datasets/owner/small@v1.2.0"
DESCRIPTION = 'description: "Is it: *exact*?  One | two <b> of `them`; see https://a.org/b_c_d [x](y)"\n'
FACTS = SMALL + DESCRIPTION + "license: CC-BY-4.0\nreferences: ['# A paper, arXiv:2201.11969', '1. Another']\n"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two levels of four tiny runs, with a description that is full of markup."""
    path = tmp_path_factory.mktemp("card") / "store.zarr"
    build(parse(FACTS), path, workers=1)
    return path


@pytest.fixture(scope="module")
def facts(store: Path) -> dict[str, Any]:
    return describe(store)


@pytest.fixture(scope="module")
def errors(store: Path) -> xr.Dataset:
    return summarize(average(measure_runs(open_dataset(store))))


def card_of(facts: dict[str, Any], errors: xr.Dataset | None, rounding_floor: xr.Dataset | None = None) -> str:
    published = {"reference": Reference("owner/small", "1.2.0"), "files": 70, "size": 123_456_789}
    return card(facts, errors, rounding_floor=rounding_floor, **published)


def section(text: str, title: str) -> str:
    return text.split(f"## {title}\n\n")[1].split("\n\n## ")[0]


def tables(text: str) -> list[list[list[str]]]:
    """Return the cells of every table, as Markdown splits them."""
    blocks = re.findall(r"(?:^\|.*\|\n?)+", text, re.MULTILINE)
    rows = [[re.split(r"(?<!\\)\|", line.strip())[1:-1] for line in block.splitlines()] for block in blocks]
    return [[[cell.strip() for cell in row] for row in block] for block in rows]


def blocks_of(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)\n```", text, re.DOTALL)


def test_the_front_matter_is_the_hubs(facts: dict[str, Any], errors: xr.Dataset) -> None:
    data = DatasetCard(card_of(facts, errors)).data.to_dict()
    assert data["license"] == "cc-by-4.0"
    assert data["pretty_name"] == "small"
    assert data["size_categories"] == ["n<1K"]
    assert {"fluid-dynamics", "equivariance", "symmetry", "physics"} <= set(data["tags"])
    assert data["configs"] == [
        {"config_name": "default", "data_files": [{"split": "runs", "path": "index.parquet"}]},
    ]


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("MIT", {"license": "mit"}),
        ("ODbL-1.0", {"license": "odbl"}),
        ("CERN OHL: v2", {"license": "other", "license_name": "cern-ohl-v2"}),
        ("", {}),
    ],
)
def test_licences_are_in_the_hubs_words(facts: dict[str, Any], licence: str, expected: dict[str, str]) -> None:
    text = card_of(facts | {"license": licence}, None)
    data = DatasetCard(text).data.to_dict()
    assert {key: value for key, value in data.items() if key.startswith("license")} == expected
    assert (licence or "None is named") in section(text, "Licence")


@pytest.mark.parametrize(
    ("runs", "category"),
    [(999, "n<1K"), (1000, "1K<n<10K"), (99_999, "10K<n<100K"), (1_000_000, "1M<n<10M"), (10_000_000, "n>10M")],
)
def test_the_size_category_counts_runs(facts: dict[str, Any], runs: int, category: str) -> None:
    assert DatasetCard(card_of(facts | {"runs": runs}, None)).data.size_categories == [category]


def test_the_table_of_errors_has_what_was_measured(facts: dict[str, Any], errors: xr.Dataset) -> None:
    said = section(card_of(facts, errors), "How symmetric it is")
    (header, _, *rows), *others = tables(said)
    assert not others
    assert header == ["level", "variable", "mean absolute", "l2", "relative"]
    assert len(rows) == 4
    for level, variable, *values in rows:
        here = errors.sel(level=float(level), variable=variable)
        expected = [float(here[name]) for name in ("mae", "l2", "relative")]
        assert list(map(float, values)) == pytest.approx(expected, rel=1e-3)
    assert rows[0] == ["0", "smoke", "0", "0", "0"]
    assert "frames 1 to 5" in said
    assert "There is no rounding floor" in said
    assert "floor.png" not in said


def test_the_rounding_floor_is_beside_the_errors_with_its_picture(facts: dict[str, Any], errors: xr.Dataset) -> None:
    rounding_floor = errors.sel(level=[1.0]) * 1e-9
    said = section(card_of(facts, errors, rounding_floor), "How symmetric it is")
    header, _, smoke, *_ = tables(said)[0]
    assert header[-1] == "rounding floor"
    assert float(smoke[-1]) == pytest.approx(rounding_floor["mae"].sel(variable="smoke").item(), rel=1e-3)
    assert "(rounding_floor.png)" in said


def test_interpolation_and_infinity_are_explained(facts: dict[str, Any], errors: xr.Dataset) -> None:
    odd = errors.copy(deep=True)
    odd["resampling"] += 0.25
    odd["relative"][1] = float("inf")
    said = section(card_of(facts, odd), "How symmetric it is")
    header, _, *rows = tables(said)[0]
    assert header[-1] == "resampling"
    assert {row[-1] for row in rows} == {"0.25"}
    assert rows[-1][4] == "-"
    assert "the part of the mean absolute error that is due to interpolation" in said
    assert "A dash is where" in said


def test_users_text_stays_text(facts: dict[str, Any], errors: xr.Dataset) -> None:
    text = card_of(facts, errors)
    assert r"Is it: \*exact\*? One \| two \<b> of \`them\`; see https://a.org/b_c_d \[x\](y)" in text
    assert r"- \# A paper, arXiv:2201.11969" in text
    assert r"- 1\. Another" in text
    for block in tables(text):
        assert len({len(row) for row in block}) == 1, block


def test_users_text_is_not_a_template(facts: dict[str, Any]) -> None:
    hostile = "{{ 6 * 7 }} {% raw %} {# gone #}"
    text = card_of(facts | {"description": hostile, "license": hostile, "references": [hostile]}, None)
    assert text.count(plain(hostile)) == 3
    assert "42" not in section(text, "Licence")


def test_every_slot_of_the_template_is_filled(
    facts: dict[str, Any], errors: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jinja shows nothing where a name is misspelt, unless it is strict."""
    monkeypatch.setattr(jinja2, "Template", partial(jinja2.Template, undefined=jinja2.StrictUndefined))
    calibrated = facts | {"calibration": [{"level": 1.0}], "split_frames": {"train": [1, 2], "test": [4, 5]}}
    imported = {key: value for key, value in facts.items() if key != "recipe_sha256"}
    for of_dataset, measured, rounding_floor in [
        (facts, errors, errors.sel(level=[1.0])),
        (facts, errors, None),
        (calibrated, errors, None),
        (imported, errors, None),
        (facts, None, None),
    ]:
        assert card_of(of_dataset, measured, rounding_floor).count("\n## ") == 10


@pytest.mark.parametrize("text", ["0.010 and n * 0.005", "rotation_eq10, 1,000 runs", "R&D: a > b", "54.1 MB (0.8)"])
def test_text_without_markup_is_left_as_it_is(text: str) -> None:
    assert plain(text) == text


def test_numbers_are_those_of_the_store(facts: dict[str, Any], errors: xr.Dataset) -> None:
    text = card_of(facts, errors)
    (_, _, *numbers), (_, _, *variables) = tables(section(text, "What it contains"))
    here = dict(numbers)
    assert here["runs"] == "8, made from 4 simulations"
    assert here["frames per run"] == "5, from step 1 to step 5"
    assert here["on disk"] == "123.5 MB in 70 files, besides this card and `files.json`"
    assert [row[0].strip("`") for row in variables] == [variable["name"] for variable in facts["variables"]]
    _, _, *statistics = tables(section(text, "Statistics for normalisation"))[0]
    velocity = next(variable for variable in facts["variables"] if variable["name"] == "velocity")
    assert [float(row[4]) for row in statistics[1:]] == pytest.approx(velocity["rms"], rel=1e-3)
    origin = section(text, "Where it comes from")
    assert facts["content_sha256"] in origin
    assert f"| instruction set | {facts['instruction_set']} |" in origin
    assert "byte for byte with the same instruction set;" in origin
    older = {name: value for name, value in facts.items() if name != "instruction_set"}
    assert "instruction set" not in section(card_of(older, errors), "Where it comes from")


def test_limits_are_those_of_this_dataset(facts: dict[str, Any], errors: xr.Dataset) -> None:
    broken = section(card_of(facts, errors), "Limitations")
    exact = section(card_of(facts | {"orbits": 3, "largest_courant": 0.5}, errors.sel(level=[0])), "Limitations")
    for limit in ("8 runs are 4 different flows", "one scene", "chaotic", "Courant"):
        assert (limit in broken, limit in exact) == (True, limit.startswith("8"))
    split = section(card_of(facts | {"splits": {"train": 6, "test": 2}}, errors), "Limitations")
    assert ("splits are therefore related" in split, "splits are" in broken) == (True, False)


def test_splits_list_runs_and_frames(facts: dict[str, Any]) -> None:
    assert "Nothing is held back" in section(card_of(facts, None), "Splits")
    split = facts | {"splits": {"train": 6, "test": 2}, "split_frames": {"train": [1, 2], "test": [4, 5]}}
    rows = tables(section(card_of(split, None), "Splits"))[0]
    assert rows[2:] == [["train", "6", "1 to 2"], ["test", "2", "4 to 5"]]
    downloads = blocks_of(card_of(split, None), "console")[0]
    assert downloads.splitlines() == [
        "$ phigen download owner/small@v1.2.0",
        "$ phigen download owner/small@v1.2.0 --level 1",
        "$ phigen download owner/small@v1.2.0 --split train",
    ]


def test_a_dataset_without_recipe_health_or_statistics_has_a_card(facts: dict[str, Any], errors: xr.Dataset) -> None:
    bare = {"recipe_sha256": "", "distinct_simulations": None, "largest_divergence": None, "description": ""}
    variables = [variable | {"mean": None} for variable in facts["variables"]]
    text = card_of(facts | bare | {"variables": variables, "references": []}, errors)
    assert "phigen build" not in text
    assert "recipe.yaml" not in text
    assert "Not known" in section(text, "Health of the solver")
    assert "None are stored" in section(text, "Statistics for normalisation")
    assert "\n\n\n" not in text


def test_without_velocity_the_blocks_show_another_field(facts: dict[str, Any]) -> None:
    variables = [variable for variable in facts["variables"] if variable["name"] != "velocity"]
    by_phigen, *others = blocks_of(card_of(facts | {"variables": variables}, None), "python")
    assert 'level["smoke"]' in by_phigen
    assert "(time, y, x)" in by_phigen
    assert not [block for block in others if "torch" in block]


def test_windows_of_the_examples_fit_into_the_split(facts: dict[str, Any]) -> None:
    for train, window in [((1, 30), "input=10, horizon=20"), ((1, 6), "input=2, horizon=4"), ((5, 6), "input=1, hori")]:
        longer = [variable | {"shape": [8, 40, *variable["shape"][2:]]} for variable in facts["variables"]]
        split = {"variables": longer, "frames": [1, 40], "split_frames": {"train": train, "test": (35, 40)}}
        assert window in card_of(facts | split, None)


def test_blocks_open_what_they_say(facts: dict[str, Any], errors: xr.Dataset, store: Path, tmp_path: Path) -> None:
    """With the repository's folder in the place of its address, as the Hub would serve it."""
    text = card_of(facts, errors)
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "README.md").write_text(text)
    opened = open_dataset(store)
    write_run_table(run_table(opened, measure_runs(opened)), folder / "index.parquet")
    by_phigen, by_xarray, by_datasets, by_torch = blocks_of(text, "python")
    assert _names(by_phigen, {ADDRESS: str(store)})["window"].shape == (5, 2, 16, 16)
    with quiet():
        assert _names(by_xarray, {f"{ADDRESS}/store.zarr": str(store)})["dataset"].sizes["run"] == 8
    in_cache = f'"{folder}", cache_dir="{tmp_path / "cache"}"'
    chosen = _names(by_datasets, {'"owner/small"': in_cache})["chosen"]
    assert chosen["level"].tolist() == [1.0] * 4
    assert chosen["velocity_mae"].tolist()[0] == 0 < min(chosen["velocity_mae"].tolist()[1:])
    assert 'input=1, horizon=4, split="train"' in by_torch
    compile(by_torch, "card", "exec")


def _names(block: str, places: dict[str, str]) -> dict[str, Any]:
    for address, place in places.items():
        assert address in block
        block = block.replace(address, place)
    names: dict[str, Any] = {}
    exec(block, names)
    return names
