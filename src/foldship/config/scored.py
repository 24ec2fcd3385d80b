"""What a competition asks for and how that is scored, as `competition.yaml` declares it."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from pydantic import Field, model_validator

from foldship.config.base import ClassNames, Name, Names, Settings

MAP = "map"


class Targets(Settings):
    """What is to be predicted: `columns` of numbers within `range`, or the class in `column`.

    `of_group` are the columns that belong to a row's group alone, and `rare` those that scores are also given
    without; both take patterns such as `question_*`.
    """

    columns: Names = ()
    range: tuple[float, float] = (0.0, 1.0)
    of_group: Names = ()
    rare: Names = ()
    column: Name | None = None
    classes: ClassNames = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Targets:
        if bool(self.columns) == bool(self.column):
            raise ValueError("give columns of numbers, or column and classes: one of the two")
        if self.column and len(self.classes) < 2:
            raise ValueError(f"column {self.column} needs two classes or more, in classes")
        if self.columns and self.classes:
            raise ValueError("classes belong to column, not to columns")
        if self.column and (self.of_group or self.rare or self.range != (0.0, 1.0)):
            raise ValueError("of_group, rare and range belong to columns of numbers, not to classes")
        return self

    @model_validator(mode="after")
    def _sound(self) -> Targets:
        low, high = self.range
        if not low < high:
            raise ValueError(f"range: {low:g} is not below {high:g}")
        for key, names in (("columns", self.columns), ("classes", self.classes)):
            twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
            if twice:
                raise ValueError(f"{key} names {twice[0]!r} twice")
        for key, patterns in (("of_group", self.of_group), ("rare", self.rare)):
            for pattern in patterns:
                if not matching(self.columns, (pattern,)):
                    raise ValueError(f"{key}: {pattern!r} is none of the columns")
        return self

    @property
    def names(self) -> Names:
        """What a model's outputs are."""
        return self.classes or self.columns


class Metric(Settings):
    """The score. `without` are classes that F1, accuracy and areas leave out; `k` is how far map looks."""

    name: str
    without: ClassNames = ()
    k: int = Field(default=3, ge=1)

    @model_validator(mode="after")
    def _k_is_for_map(self) -> Metric:
        if "k" in self.model_fields_set and self.name != MAP:
            raise ValueError(f"k says how far {MAP} looks, and {self.name} does not look: remove it")
        return self


class Top(Settings):
    """So many classes, the likeliest first, with blanks between."""

    top: int = Field(ge=1)


def matching(names: Sequence[str], patterns: Sequence[str]) -> Names:
    """Those of the names that any pattern fits, in their order."""
    return tuple(name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns))
