"""What a model reads of a row."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from foldship.config.base import Settings


class Tower(Settings):
    """One token sequence per row, made of text columns."""

    segments: tuple[str, ...] = Field(min_length=1)
    max_tokens: int = Field(ge=8, le=8192)
    budgets: tuple[Annotated[int, Field(ge=0)] | None, ...] | None = None

    @model_validator(mode="after")
    def _budget_per_segment(self) -> Tower:
        if self.budgets is not None and len(self.budgets) != len(self.segments):
            raise ValueError(f"{len(self.budgets)} budgets for {len(self.segments)} segments; give one each")
        return self


class Features(Settings):
    """What goes past the transformer straight into the head.

    `embedding` is the width of a learned embedding for each column of `categories` and `common`; null hands
    the head their one-hot columns.
    """

    categories: tuple[str, ...] = ()
    common: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    overlaps: tuple[tuple[str, str], ...] = ()
    embedding: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _something_to_embed(self) -> Features:
        if self.embedding is not None and not (self.categories or self.common):
            raise ValueError("embedding needs columns in categories or common")
        return self
