from __future__ import annotations

from typing import Any

import pytest
import torch

from foldship.config.schema import Model
from foldship.training import precision
from foldship_kernel.errors import FoldshipError


def config(**settings: Any) -> Model:
    towers = [{"segments": ["question_title"], "max_tokens": 64}]
    stage = {"train": "full", "epochs": 1, "encoder_lr": 1e-4, "head_lr": 1e-3}
    return Model.model_validate({"backbone": "any", "towers": towers, "stages": [stage], **settings})


@pytest.fixture(params=[False, True], ids=["cpu", "cuda"])
def cuda(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param)
    return bool(request.param)


def test_plain_attention_is_for_short_sequences_on_a_cpu(cuda: bool) -> None:
    assert precision.attention(256) == ("sdpa" if cuda else "eager")
    assert precision.attention(257) == "sdpa"
    assert precision.attention(512, dropout=False) == ("sdpa" if cuda else "eager")
    assert precision.attention(513, dropout=False) == "sdpa"


def test_eight_bits_are_for_cuda(cuda: bool) -> None:
    assert precision.optimizer(config()) == ("adamw_8bit" if cuda else "adamw")
    for name in ("adamw", "adafactor"):
        assert precision.optimizer(config(optimizer=name)) == name


def test_what_only_cuda_can_do_is_refused_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(FoldshipError, match="adamw_8bit needs CUDA"):
        precision.optimizer(config(optimizer="adamw_8bit"))
    with pytest.raises(FoldshipError, match="trains on CUDA only"):
        precision.choose(config(precision="fp16"))
