"""The settings of a small model, with whatever a test wants to differ."""

from __future__ import annotations

from typing import Any

from foldship.config.schema import Model


def config(**settings: Any) -> Model:
    stage = {"train": "full", "epochs": 1, "encoder_lr": 1e-4, "head_lr": 1e-3}
    tower = {"segments": ["answer"], "max_tokens": 16}
    return Model.model_validate({"backbone": "any", "towers": [tower], "stages": [stage], **settings})
