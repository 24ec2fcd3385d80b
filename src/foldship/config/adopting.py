"""A model that was trained elsewhere: where its folds are, what it reads and what its outputs mean."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from foldship.config.base import Settings, Share
from foldship.config.inputs import Cleaning

# What a model's outputs mean, see docs/adopting.md.
Meaning = Literal["logit", "value", "share", "signed_share"]


class Adopted(Settings):
    """Null asks the model's own files, and where they do not say, what is usual; either is said aloud.

    `folds` are folders or files, one a fold, in order; or one pattern, or one folder that holds a folder for
    each. Paths begin at the project's root. `base` is what adapters are put on, where the base that they name
    is not here. `texts` are read as one sequence, of a sentence encoder as two.
    `labels` name the outputs in order, in the competition's own words.
    """

    folds: tuple[str, ...] = Field(min_length=1)
    oof: str | None = None
    tokenizer: str | None = None
    base: str | None = None
    texts: tuple[str, ...] | None = Field(default=None, min_length=1)
    max_tokens: int | None = Field(default=None, ge=8, le=8192)
    head_fraction: Share = 1.0  # tokenizers keep the beginning of what is too long
    cleaning: Cleaning = Cleaning(raw=True)
    output: Meaning | None = None
    labels: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Adopted:
        for key in ("texts", "labels"):
            names = getattr(self, key) or ()
            if len(set(names)) < len(names):
                raise ValueError(f"{key} names one more than once: {', '.join(names)}")
        return self
