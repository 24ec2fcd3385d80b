"""What all settings have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from foldship.config import spelling

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]  # of what is left out: not all of it

# Of columns, texts and files, and of classes: texts, though YAML may have read numbers.
Name = Annotated[str, BeforeValidator(spelling.text_of)]
ClassName = Annotated[str, BeforeValidator(spelling.class_of)]
Names = Annotated[tuple[Name, ...], BeforeValidator(spelling.several)]
ClassNames = Annotated[tuple[ClassName, ...], BeforeValidator(spelling.several)]


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
