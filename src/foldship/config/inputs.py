"""What a model reads of a row."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from foldship.config.base import ClassNames, Name, Names, Rate, Settings


class Tower(Settings):
    """One token sequence per row, made of text columns.

    Where the last text does not fit, the sequence has its two ends. With `chunks` above 1 there are up to so
    many sequences instead, whose windows over the last text begin `stride` tokens apart (null for no
    overlap); the texts before it are repeated in each.
    """

    segments: Names = Field(min_length=1)
    max_tokens: int = Field(ge=8, le=8192)
    budgets: tuple[Annotated[int, Field(ge=0)] | None, ...] | None = None
    chunks: int = Field(default=1, ge=1, le=16)
    stride: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _budget_per_segment(self) -> Tower:
        if self.budgets is not None and len(self.budgets) != len(self.segments):
            raise ValueError(f"{len(self.budgets)} budgets for {len(self.segments)} segments; give one each")
        return self

    @model_validator(mode="after")
    def _windows(self) -> Tower:
        if self.stride is not None and self.chunks == 1:
            raise ValueError("stride is the distance of windows, but chunks is 1; raise chunks")
        if self.stride is not None and self.stride > self.max_tokens:
            raise ValueError(f"stride {self.stride} is above max_tokens {self.max_tokens}; lower it")
        if self.chunks > 1 and self.budgets is not None and self.budgets[-1] == 0:
            raise ValueError("chunks slide over the last segment, but its budget is 0")
        return self


class Cleaning(Settings):
    """What is done to texts besides resolving entities and collapsing white space.

    `keep` leaves a thing as it is, `mark` puts a plain word in its place, `host` a link's host. `repeats` is
    how often the same jamo, Hangul syllable or mark may stand in a row; 0 lets all stand. `raw` leaves texts
    as they came, entities and white space, too.
    """

    links: Literal["keep", "host", "mark"] = "keep"
    math: Literal["keep", "mark"] = "keep"
    code: Literal["keep", "mark"] = "keep"
    markup: bool = False
    repeats: int = Field(default=0, ge=0)
    emoji: Literal["keep", "mark", "drop"] = "keep"
    raw: bool = False

    @model_validator(mode="after")
    def _raw_is_raw(self) -> Cleaning:
        own = {"raw"}
        if self.raw and self.model_dump(exclude=own) != Cleaning().model_dump(exclude=own):
            raise ValueError("raw leaves texts as they came: remove the other keys of cleaning")
        return self


class Features(Settings):
    """What goes past the transformer straight into the head.

    `counts` says how much is counted of the texts in `counted` and `overlaps`; `similar` are pairs whose
    characters and words are compared; `embedding` is the width of
    a learned embedding for each column of `categories` and `common`; null hands the head one-hot columns.
    """

    categories: Names = ()
    common: Names = ()
    counted: Names = ()
    overlaps: tuple[tuple[Name, Name], ...] = ()
    similar: tuple[tuple[Name, Name], ...] = ()
    counts: Literal["basic", "full", "style"] = "basic"
    embedding: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _something_to_embed(self) -> Features:
        if self.embedding is not None and not (self.categories or self.common):
            raise ValueError("embedding needs columns in categories or common")
        return self

    @model_validator(mode="after")
    def _something_to_count(self) -> Features:
        if self.counts != "basic" and not (self.counted or self.overlaps):
            raise ValueError(f"counts: {self.counts} needs texts in counted or overlaps")
        return self


class Split(Settings):
    """Rows once more for each of `columns`: with what that one says, and without the others.

    Of competitions with classes, only the rows of `classes`, where any are named.
    """

    columns: Names = Field(min_length=2)
    classes: ClassNames = ()


class Augmentation(Settings):
    """Changes of the training rows; rows to predict are never touched.

    `mask_tokens` and `drop_tokens` are shares of a sequence's tokens that become the mask token, or are
    removed, anew in every epoch. `swap` doubles the rows with the values of two columns exchanged, but for
    rows with a target of `swap_except`. `split` makes several rows of one, each with one of its sources.
    `rows` names a function that makes further rows, see `foldship.training.augment`.
    """

    mask_tokens: Rate = 0.0
    drop_tokens: Rate = 0.0
    swap: tuple[Name, Name] | None = None
    swap_except: tuple[float, ...] = ()
    split: Split | None = None
    rows: Annotated[str, Field(pattern=r"^\w+(\.\w+)*:\w+$")] | None = None

    @property
    def of_tokens(self) -> bool:
        """Whether sequences are changed."""
        return self.mask_tokens > 0 or self.drop_tokens > 0

    @property
    def makes_rows(self) -> bool:
        """Whether a fold learns from rows of its own."""
        return not (self.rows is None and self.swap is None and self.split is None)

    @model_validator(mode="after")
    def _two_to_swap(self) -> Augmentation:
        if self.swap_except and self.swap is None:
            raise ValueError("swap_except says which rows swap leaves out, but swap is not set")
        if self.swap is not None and self.swap[0] == self.swap[1]:
            raise ValueError(f"swap names {self.swap[0]} twice")
        return self
