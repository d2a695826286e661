"""What a dataset shall be, as pure data: the sections of a recipe, frozen and free of unknown keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, PrivateAttr

from phigen.recipe.grid import Grid, Time
from phigen.recipe.scene import Sample, Scene, Vary
from phigen.recipe.schedule import Section
from phigen.recipe.semver import PATTERN
from phigen.recipe.splits import Splits
from phigen.recipe.symmetry import Symmetry

VariableName = Literal["smoke", "velocity", "faces", "pressure"]


class Recipe(Section):
    """A dataset, or a family of them, as its author wrote it down."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100, description="Also the file's name.")
    version: str = Field(
        pattern=PATTERN,
        description="Semantic version of the data, such as 1.0.0.",
    )
    description: str = ""
    license: str = Field(default="", description="SPDX identifier, such as CC-BY-4.0.")
    references: tuple[str, ...] = ()
    grid: Grid
    time: Time
    scene: Scene
    vary: Vary = Vary()
    sample: Sample | None = None
    symmetry: Symmetry = Symmetry()
    precision: Literal["double", "single"] = Field(default="double", description="Of the simulation.")
    store: tuple[VariableName, ...] = Field(
        default=("smoke", "velocity"), min_length=1, description="Variables to keep, as float32."
    )
    splits: Splits = Splits()

    _text: str = PrivateAttr(default="")
    _said: str = PrivateAttr(default="")
    _where: str = PrivateAttr(default="")

    def model_post_init(self, context: Any) -> None:
        """Keep the author's own text, where there is one, and what it says."""
        if isinstance(context, Mapping):
            self._text = context.get("text", "")
            self._where = context.get("where", "")
            self._said = self.model_dump_json()

    @property
    def where(self) -> str:
        """What messages call the recipe: its file, or its name."""
        return self._where or self.name

    @property
    def text(self) -> str:
        """The recipe word for word; one that was made or changed in Python reads as JSON, which is YAML too."""
        if self._text and self._said == self.model_dump_json():
            return self._text
        return self.model_dump_json(indent=2, exclude_defaults=True) + "\n"

    @property
    def digest(self) -> str:
        """sha256 of the text: two recipes are the same only if they say the same, comments included."""
        return hashlib.sha256(self.text.encode()).hexdigest()
