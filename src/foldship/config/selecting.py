"""How out-of-fold predictions become a blend and its post-processing."""

from __future__ import annotations

from pydantic import Field

from foldship.config.base import Settings


class PostProcessing(Settings):
    """A column is post-processed only if that raises its out-of-fold score by at least `minimum_gain`."""

    minimum_gain: float = Field(default=0.002, ge=0)
