"""The catalogue: what the dataset of each shipped recipe is when it is built, for those who have not built it.

`make catalogue` builds them all and writes datasets/catalogue.json.  The content's digest is one of the versions and
of the make of processor that stand beside it; the measured errors hold wherever rounding has not grown to show.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from phigen.errors import StoreError
from phigen.store import manifest

FILE = "catalogue.json"

FOLDER = Path("datasets")
"""Where `phigen build` puts datasets, and where the catalogue lies among them."""


_INSTRUCTIONS = ("avx2", "fma", "avx512f", "sve")
"""Without fused products and sums, for one, a dataset has other bits."""


def entries() -> list[dict[str, Any]]:
    """Give the catalogue that phigen ships, one entry per recipe, as `entry_of` gives them."""
    package = Path(str(resources.files("phigen")))
    places = (package / FOLDER / FILE, package.parent / FOLDER / FILE)
    file = next((place for place in places if place.is_file()), None)
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8")) if file else []
    return found


def entry_of(path: Path) -> dict[str, Any]:
    """Give the entry of a finished dataset that was built on this machine.

    Returns
    -------
    dict
        Plain values: name, version, runs; ``bytes`` of all its files; the sha256 of its recipe and content; the
        versions and processor that computed it; and ``errors``, one for each level and variable, over all frames.

    Raises
    ------
    StoreError
        If there is no finished dataset at the path.
    """
    from phigen.measurement.data_error import measure, summarize
    from phigen.measurement.tables import rows_by_level
    from phigen.store.reading import open as open_dataset
    from phigen.store.summary import describe

    dataset = open_dataset(path)
    facts = describe(path)
    told = ("name", "version", "runs", "recipe_sha256", "content_sha256", "versions")
    errors = rows_by_level(summarize(measure(dataset))) if len(facts["elements"]) > 1 else []
    return {
        **{name: facts[name] for name in told},
        "processor": processor(),
        "bytes": sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
        "errors": [{name: row[name] for name in ("level", "variable", "mae", "l2", "relative")} for row in errors],
    }


def renew(recipes: Iterable[str], folder: Path) -> None:
    """Write the catalogue of the datasets that were built from recipes, by name, in a folder.

    Raises
    ------
    StoreError
        If one is not there or unfinished, or was built with other versions than those of now.
    """
    from phigen.store.metadata import versions

    found = []
    for name in recipes:
        entry = entry_of(folder / f"{name}.zarr")
        if entry["versions"] != versions():
            raise StoreError(
                f"{folder / f'{name}.zarr'}: was built with other versions than those of now; delete it and build it "
                "again"
            )
        found.append(entry)
    (folder / FILE).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def is_built(entry: Mapping[str, Any], folder: Path = FOLDER) -> bool:
    """Check whether the dataset of an entry is in a folder, finished and from the same recipe."""
    path = folder / f"{entry['name']}.zarr"
    try:
        known = manifest.load(path)
    except StoreError:  # its manifest is damaged
        return False
    return known.finished and known.recipe_digest == entry["recipe_sha256"]


def processor() -> str:
    """Give the system, make of processor and its instructions for arithmetic, which the bits of a dataset depend on."""
    try:
        known = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        known = platform.processor()
    make = re.search(r"^(?:vendor_id|CPU implementer)\s*:\s*(\S+)", known, re.MULTILINE)
    instructions = (name for name in _INSTRUCTIONS if re.search(rf"\b{name}\b", known))
    return " ".join([platform.system(), platform.machine(), make[1] if make else known, *instructions])
