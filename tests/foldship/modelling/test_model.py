from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from foldship.config.schema import Model
from foldship.modelling import model as network
from foldship.modelling.model import RowModel
from foldship_kernel.features import FeatureSpec, OneHot

FEATURES = FeatureSpec(one_hots=(OneHot("category", ("A", "B"), True), OneHot("host", (), False)))
TARGETS = ("question_a", "answer_b")


def build(backbone: Path, seed: int = 0, **settings: Any) -> RowModel:
    config = Model.model_validate(
        {
            "backbone": str(backbone),
            "towers": [{"segments": ["answer"], "max_tokens": 32}] * 2,
            "stages": [{"train": "full", "epochs": 1, "encoder_lr": 1e-4, "head_lr": 1e-3}],
            **settings,
        }
    )
    torch.manual_seed(seed)
    return network.build(config, str(backbone), features=FEATURES, outputs=TARGETS, attention="eager")


def tokens() -> dict[str, Tensor]:
    lengths = torch.tensor([9, 2, 5])
    ids = torch.randint(5, 100, (3, 9), generator=torch.Generator().manual_seed(0))
    mask = (torch.arange(9) < lengths[:, None]).long()
    return {"input_ids": ids * mask, "attention_mask": mask}


def test_trained_folds_of_a_plain_model_still_load(tiny_backbone: Path) -> None:
    made = build(tiny_backbone)
    keys = {name for name in made.state_dict() if not name.startswith("encoder.backbone.")}
    assert keys == {
        "head.layers.1.weight",
        "head.layers.1.bias",
        "head.layers.4.weight",
        "head.layers.4.bias",
    }
    backbone = made.encoder.backbone.state_dict()
    assert set(made.state_dict()) - keys == {f"encoder.backbone.{name}" for name in backbone}
    linear = build(tiny_backbone, head={"hidden": 0})
    assert {name for name in linear.state_dict() if name.startswith("head.")} == {
        "head.layers.1.weight",
        "head.layers.1.bias",
    }


def test_the_names_of_learned_parts(tiny_backbone: Path) -> None:
    made = build(
        tiny_backbone,
        pooling=["mean", "layers_cls", "lstm"],
        features={"categories": ["category"], "embedding": 3},
        head={"hidden": 4, "norm": True, "views": {"question_": [0], "answer_": [0, 1]}},
    )
    found = {name for name in made.state_dict() if not network.in_backbone(name)}
    lstm = {f"{kind}_{part}_l0" for kind in ("weight", "bias") for part in ("ih", "hh")}
    head = {"metadata.embeddings.0.weight", "norm.weight", "norm.bias"}
    head |= {f"layers.{place}.{kind}" for place in (1, 4) for kind in ("weight", "bias")}
    assert found == {
        "encoder.pooling.parts.1.scores",
        *(f"encoder.pooling.parts.2.{way}.{name}" for way in ("forwards", "backwards") for name in lstm),
        *(f"head.views.{view}.{name}" for view in (0, 1) for name in head),
    }


def test_every_layer_is_read_only_where_it_is_asked_for(tiny_backbone: Path) -> None:
    layers = build(tiny_backbone, pooling=["layers_mean", "mean"]).eval().encoder
    plain = build(tiny_backbone, pooling=["mean"]).eval().encoder
    assert not plain.pooling.every_layer
    inputs = tokens()
    found = layers(**inputs)
    torch.testing.assert_close(found[:, 32:], plain(**inputs))
    states = layers.backbone(**inputs, output_hidden_states=True).hidden_states
    mask = inputs["attention_mask"][:, :, None]
    expected = torch.stack([(part * mask).sum(1) / mask.sum(1) for part in states]).mean(0)
    assert len(states) == 3
    torch.testing.assert_close(found[:, :32], expected)


@pytest.mark.parametrize("pooling", [["cls", "sep"], ["max", "layers_cls"], ["lstm", "mean"]])
def test_a_row_does_not_depend_on_its_batch(tiny_backbone: Path, pooling: list[str]) -> None:
    encoder = build(tiny_backbone, pooling=pooling).eval().encoder
    inputs = tokens()
    together = encoder(**inputs)
    for row, length in enumerate(inputs["attention_mask"].sum(1).tolist()):
        alone = encoder(**{name: value[row : row + 1, :length] for name, value in inputs.items()})
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=1e-5)


def test_the_same_seed_gives_the_same_network(tiny_backbone: Path) -> None:
    settings = {"pooling": ["lstm"], "head": {"per_target": True, "hidden": 4}}
    one, two, other = (build(tiny_backbone, seed, **settings).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(
        one["encoder.pooling.parts.0.forwards.weight_ih_l0"],
        other["encoder.pooling.parts.0.forwards.weight_ih_l0"],
    )


def test_a_metadata_column_without_values_has_no_embedding(tiny_backbone: Path) -> None:
    made = build(tiny_backbone, features={"categories": ["category", "host"], "embedding": 2})
    assert {name: tuple(p.shape) for name, p in made.head.named_parameters() if "metadata" in name} == {
        "metadata.embeddings.0.weight": (2, 3)
    }
