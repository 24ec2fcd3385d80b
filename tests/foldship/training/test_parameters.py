from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import nn
from transformers import AlbertConfig, AlbertModel

from foldship.config.objective import Optimizer
from foldship.config.schema import Model
from foldship.config.stages import Stage
from foldship.modelling import model as network
from foldship.modelling.model import RowModel
from foldship.training import parameters
from foldship_kernel.errors import FoldshipError
from foldship_kernel.features import FeatureSpec


def model(backbone: Path, **settings: Any) -> RowModel:
    config = Model.model_validate(
        {
            "backbone": str(backbone),
            "towers": [{"segments": ["answer"], "max_tokens": 32}],
            "stages": [{"train": "full", "epochs": 1, "encoder_lr": 1e-4, "head_lr": 1e-3}],
            **settings,
        }
    )
    return network.build(config, str(backbone), features=FeatureSpec(), outputs=("a", "b", "c"))


def stage(**settings: Any) -> Stage:
    return Stage.model_validate(
        {"train": "full", "epochs": 1, "encoder_lr": 0.01, "head_lr": 0.1, **settings}
    )


def rates(built: nn.Module, groups: list[dict[str, Any]]) -> dict[str, float]:
    names = {id(p): name for name, p in built.named_parameters()}
    return {names[id(p)]: group["lr"] for group in groups for p in group["params"]}


def test_head_and_encoder_have_a_rate_each_and_norms_do_not_decay(tiny_backbone: Path) -> None:
    built = model(tiny_backbone)
    groups = parameters.groups(built, stage(), 0.5)
    found = rates(built, groups)
    assert set(found) == {name for name, _ in built.named_parameters()}
    assert all(rate == (0.1 if name.startswith("head") else 0.01) for name, rate in found.items())
    assert len(groups) == 4
    assert all(
        group["weight_decay"] == (0.5 if p.ndim > 1 else 0) for group in groups for p in group["params"]
    )


def test_rates_fall_layer_by_layer(tiny_backbone: Path) -> None:
    built = model(tiny_backbone)
    found = rates(built, parameters.groups(built, stage(layer_decay=0.5), 0.0))
    assert set(found) == {name for name, _ in built.named_parameters()}
    for name, rate in found.items():
        if name.startswith("head"):
            assert rate == 0.1
        else:
            level = 0 if ".layer.1." in name else 1 if ".layer.0." in name else 2
            assert level < 2 or "embeddings" in name
            assert rate == pytest.approx(0.01 * 0.5**level)


def test_what_does_not_learn_is_left_out_but_counts_as_a_layer(tiny_backbone: Path) -> None:
    built = model(tiny_backbone)
    for name, parameter in built.named_parameters():
        parameter.requires_grad_(".layer.0." in name)
    found = rates(built, parameters.groups(built, stage(layer_decay=0.5), 0.0))
    assert found
    assert set(found.values()) == {0.005}


def test_shared_layers_cannot_have_different_rates(tmp_path: Path) -> None:
    config = AlbertConfig(vocab_size=9, hidden_size=8, embedding_size=4, num_attention_heads=2)
    torch.manual_seed(0)
    AlbertModel(config).save_pretrained(tmp_path)
    with pytest.raises(FoldshipError, match="layer_decay does not fit the backbone"):
        parameters.groups(model(tmp_path), stage(layer_decay=0.9), 0.0)


@pytest.mark.parametrize("name", [name for name in get_args(Optimizer) if name not in ("auto", "adamw_8bit")])
def test_every_optimizer_learns_at_the_rates_of_its_groups(name: str) -> None:
    layers = [nn.Linear(2, 1, bias=False) for _ in range(2)]
    groups = [
        {"params": list(layer.parameters()), "lr": rate, "weight_decay": 0.0}
        for layer, rate in zip(layers, (0.0, 0.1), strict=True)
    ]
    before = [layer.weight.detach().clone() for layer in layers]
    optimizer = parameters.optimizer(name, groups)
    loss = sum((layer(torch.ones(3, 2)) ** 2).sum() for layer in layers)
    loss.backward()
    optimizer.step()
    assert torch.equal(layers[0].weight, before[0])
    assert not torch.equal(layers[1].weight, before[1])
