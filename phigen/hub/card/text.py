"""The card of a published dataset: what it holds, how symmetric it is, how to load, cite and rebuild it.

It is made from what the store itself says and from what was measured: the same dataset has the same card.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from phigen.hub.card import contents, measured, usage
from phigen.hub.card.markdown import plain

if TYPE_CHECKING:
    import xarray as xr

LICENCES = (
    "apache-2.0",
    "cc-by-2.0",
    "cc-by-3.0",
    "cc-by-4.0",
    "cc-by-nc-4.0",
    "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-4.0",
    "cc-by-nd-4.0",
    "cc-by-sa-4.0",
    "cc0-1.0",
    "cdla-permissive-2.0",
    "mit",
    "odbl",
    "odc-by",
    "unlicense",
)
"""The Hub's identifiers of licences that data have: SPDX's in lower case, but for two."""

_OTHERWISE = {"odbl-1.0": "odbl", "odc-by-1.0": "odc-by"}

TAGS = ("fluid-dynamics", "physics", "simulation", "pde", "symmetry", "equivariance", "phiflow", "zarr", "xarray")

INDEX = "index.parquet"


def card(
    facts: Mapping[str, Any],
    errors: xr.Dataset | None,
    *,
    floor: xr.Dataset | str,
    repository: str,
    version: str,
    files: int,
    size: int,
) -> str:
    """Give the text of a dataset's card, README.md of its repository on the Hub.

    Parameters
    ----------
    facts : dict
        From `describe`.
    errors : Dataset or None
        From `summarize`, of all stored frames; none where there is nothing to compare.
    floor : Dataset or str
        The same of `floor`, or why there is none, as a sentence.
    repository : str
        OWNER/NAME on the Hub.
    version : str
        Semantic version that is published; the tag is vVERSION.
    files, size : int
        How many files there are beside the card, and their bytes.

    Returns
    -------
    str
        Markdown, with YAML front matter that the Hub's viewer and `datasets.load_dataset` understand.
    """
    source = usage.Source(repository, version)
    sections = {
        "": contents.opening(facts, version),
        "What it holds": contents.holds(facts, files, size),
        "How symmetric it is": measured.symmetry(facts, errors, floor),
        "How to load it": usage.loading(facts, source),
        "Splits": contents.splits(facts),
        "Statistics for normalisation": measured.statistics(facts),
        "Health of the solver": measured.health(facts),
        "Limitations": contents.limitations(facts, errors),
        "Licence": _licence(facts["license"]),
        "Citation": usage.citation(facts, source),
        "Where it comes from": usage.provenance(facts, source),
    }
    body = "\n\n".join(f"## {title}\n\n{text}" if title else text for title, text in sections.items())
    return f"---\n{_front_matter(facts)}\n---\n\n{body}\n"


def _front_matter(facts: Mapping[str, Any]) -> str:
    from huggingface_hub import DatasetCardData

    data = DatasetCardData(
        **_hub_licence(facts["license"]),
        pretty_name=facts["name"],
        tags=list(TAGS),
        size_categories=[_size_category(facts["runs"])],
        configs=[{"config_name": "default", "data_files": [{"split": "runs", "path": INDEX}]}],
    )
    return data.to_yaml()


def _hub_licence(licence: str) -> dict[str, Any]:
    """Give a licence in the Hub's own words."""
    name = _OTHERWISE.get(licence.lower(), licence.lower())
    if name in LICENCES:
        return {"license": name}
    return {"license": "other", "license_name": re.sub(r"[^a-z0-9.]+", "-", name).strip("-")} if name else {}


def _licence(licence: str) -> str:
    return plain(licence) if licence else "None is named: ask its owner before you use it."


def _size_category(runs: int) -> str:
    """Give the Hub's class for a number of rows, which are runs."""
    bounds = ("1K", "10K", "100K", "1M", "10M")
    at = next((i for i in range(len(bounds)) if runs < 1000 * 10**i), None)
    if at is None:
        return "n>10M"
    return "n<1K" if at == 0 else f"{bounds[at - 1]}<n<{bounds[at]}"
