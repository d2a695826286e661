"""The front matter of a card: what the Hub reads about a dataset, its licence, tags, size and table for the viewer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from phigen.hub.run_index import INDEX

if TYPE_CHECKING:
    from huggingface_hub import DatasetCardData

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
"""The Hub's identifiers of licences for data: SPDX's in lower case, except for two."""

_OTHERWISE = {"odbl-1.0": "odbl", "odc-by-1.0": "odc-by"}

TAGS = ("fluid-dynamics", "physics", "simulation", "pde", "symmetry", "equivariance", "phiflow", "zarr", "xarray")

_SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "n>10M")
"""The Hub's classes of size; each holds ten times as many rows as the one before."""


def front_matter(facts: Mapping[str, Any]) -> DatasetCardData:
    """Return the metadata of a dataset's card.

    Parameters
    ----------
    facts : dict
        From `describe`.
    """
    from huggingface_hub import DatasetCardData

    return DatasetCardData(
        **_licence(facts["license"]),
        pretty_name=facts["name"],
        tags=list(TAGS),
        size_categories=[_size_category(facts["runs"])],
        configs=[{"config_name": "default", "data_files": [{"split": "runs", "path": INDEX}]}],
    )


def _licence(licence: str) -> dict[str, Any]:
    """Return a licence under the Hub's name for it; one that the Hub does not know as `other` with its own name."""
    name = _OTHERWISE.get(licence.lower(), licence.lower())
    if name in LICENCES:
        return {"license": name}
    return {"license": "other", "license_name": re.sub(r"[^a-z0-9.]+", "-", name).strip("-")} if name else {}


def _size_category(rows: int) -> str:
    return next((size for i, size in enumerate(_SIZES[:-1]) if rows < 1000 * 10**i), _SIZES[-1])
