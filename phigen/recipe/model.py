"""The recipe of a dataset, as frozen data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field, PrivateAttr

from phigen.errors import RecipeError
from phigen.recipe.checks.recipe import Checked, Sections, check
from phigen.recipe.expansion.orbits import Orbits
from phigen.recipe.grid import Grid, Time
from phigen.recipe.scene import Sample, Scene, Vary
from phigen.recipe.semver import PATTERN
from phigen.recipe.splits import Splits
from phigen.recipe.symmetry import Symmetry
from phigen.recipe.values import Section
from phigen.symmetry.fields import StoreName


@dataclass(frozen=True)
class _Remembered:
    """What `Recipe.checked` has found of some sections.  Recipes that differ in this alone are equal."""

    sections: Sections | None = field(default=None, compare=False)
    checked: Checked = field(default=Checked((), None), compare=False)


class Recipe(Section):
    """A dataset, or a family of datasets, as its author wrote it down."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        max_length=100,
        description="Name of the dataset, and of its file.",
    )
    version: str = Field(pattern=PATTERN, description="Semantic version of the data, such as 1.0.0.")
    description: str = Field(default="", description="What the dataset is for, in a few sentences.")
    license: str = Field(default="", description="License of the data: an SPDX identifier, such as CC-BY-4.0.")
    references: tuple[str, ...] = Field(default=(), description="Publications to cite, one text each.")
    grid: Grid = Field(description="The box: its cells and boundary conditions.")
    time: Time = Field(description="Number of steps, and the frames that are kept.")
    scene: Scene = Field(description="What drives the flow: inflows, buoyancy and regions.")
    vary: Vary = Field(default=Vary(), description="Scenes that differ from `scene`: one for each combination.")
    sample: Sample | None = Field(default=None, description="Scenes that are drawn at random instead of `vary`.")
    symmetry: Symmetry = Field(
        default=Symmetry(), description="The group, the orbit of each scene, and how the symmetry is broken."
    )
    precision: Literal["double", "single"] = Field(
        default="double", description="Floating-point precision of the simulation; fields are stored as float32."
    )
    store: tuple[StoreName, ...] = Field(
        default=("smoke", "velocity"), min_length=1, description="Variables to store, as float32."
    )
    splits: Splits = Field(default=Splits(), description="Runs and frames for training, validation and testing.")

    _text: str = PrivateAttr(default="")
    _content: str = PrivateAttr(default="")
    _where: str = PrivateAttr(default="")
    _remembered: _Remembered = PrivateAttr(default=_Remembered())

    def model_post_init(self, context: Any) -> None:
        """Keep the author's own text, where there is one, and the content that it stands for."""
        if isinstance(context, Mapping):
            self._text = context.get("text", "")
            self._where = context.get("where", "")
            self._content = self.model_dump_json()

    @property
    def where(self) -> str:
        """The name of the recipe in messages: its file, or its own name."""
        return self._where or self.name

    @property
    def text(self) -> str:
        """The author's text, word for word; JSON, which is YAML too, if the recipe was made or changed in Python."""
        if self._text and self._content == self.model_dump_json():
            return self._text
        return self.model_dump_json(indent=2, exclude_defaults=True) + "\n"

    @property
    def digest(self) -> str:
        """sha256 of the text, comments included."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def checked(self) -> Checked:
        """The problems of the recipe's sections with each other, and its orbits if there are none."""
        sections = Sections.of({name: getattr(self, name) for name in Recipe.model_fields})
        # model_copy hands on what is remembered here to a recipe with other sections, so the sections that it belongs
        # to are kept with it.  They are frozen, so the same objects have the same content.
        known = self._remembered.sections
        if known is None or any(a is not b for a, b in zip(known, sections, strict=True)):
            self._remembered = _Remembered(sections, check(sections))
        return self._remembered.checked

    @property
    def orbits(self) -> Orbits:
        """The checked orbits: every scene, with the elements that it is taken through.

        Raises
        ------
        RecipeError
            If the sections of the recipe contradict each other.
        """
        problems, orbits = self.checked
        if problems or orbits is None:
            raise RecipeError(*(f"{self.name}: {'.'.join(map(str, place))}: {text}" for place, text in problems))
        return orbits
