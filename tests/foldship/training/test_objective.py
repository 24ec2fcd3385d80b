from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from declared import task_of
from model_settings import config
from torch.nn import functional

from foldship.config.schema import Model
from foldship.modelling import model as network
from foldship.modelling.model import RowModel
from foldship.training import objective
from foldship.training.objective import Objective
from foldship.training.regularisers import distance
from foldship_kernel.features import FeatureSpec, OneHot
from foldship_kernel.tasks import NUMBERS

FEATURES = FeatureSpec(one_hots=(OneHot("host", ("a",), False),))

TARGETS = ("a", "b")
ADAPTER = {
    "adapter": {"rank": 2, "targets": ["query"]},
    "stages": [{"train": "adapter", "epochs": 1, "encoder_lr": 1e-4, "head_lr": 1e-3}],
}
HEAD_FIRST = [
    {"train": "head", "epochs": 1, "head_lr": 1e-3},
    {"train": "full", "epochs": 1, "encoder_lr": 1e-4, "head_lr": 1e-3},
]


def build(backbone: Path, stage: int = 0, **settings: Any) -> tuple[Objective, RowModel, Model]:
    torch.manual_seed(0)
    chosen = config(**settings)
    model = network.build(
        chosen, str(backbone), features=FEATURES, outputs=TARGETS, attention="eager"
    ).train()
    return objective.build(chosen, chosen.stages[stage], model, task_of(NUMBERS, *TARGETS)), model, chosen


def batch() -> dict[str, Any]:
    random = torch.Generator().manual_seed(0)
    return {
        "labels": torch.rand(4, 2, generator=random),
        "features": torch.rand(4, 1, generator=random),
        "index": torch.tensor([[0], [1], [2], [1]]),
        "parts": [
            {
                "input_ids": torch.randint(5, 90, (3, 6), generator=random),
                "attention_mask": torch.ones(3, 6, dtype=torch.long),
            }
        ],
    }


def inputs_of(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in ("labels", "weights")}


def test_without_regularisers_it_is_the_loss_of_one_pass(tiny_backbone: Path) -> None:
    loss_of, model, _ = build(tiny_backbone)
    given = batch()
    torch.manual_seed(1)
    loss, outputs = loss_of(model, given)
    torch.manual_seed(1)
    logits = model(**inputs_of(given))
    assert torch.equal(outputs, logits)
    assert torch.equal(loss, functional.binary_cross_entropy_with_logits(logits, given["labels"]))


def test_rows_weigh_what_the_batch_says(tiny_backbone: Path) -> None:
    loss_of, model, _ = build(tiny_backbone, encoder_dropout=0, head={"dropout": 0})
    given = batch()
    plain, _ = loss_of(model, given)
    halved, _ = loss_of(model, {**given, "weights": torch.full((4,), 0.5)})
    torch.testing.assert_close(halved, plain / 2)


def test_r_drop_is_the_mean_loss_of_two_passes_and_their_divergence(tiny_backbone: Path) -> None:
    loss_of, model, _ = build(tiny_backbone, r_drop={"weight": 3})
    given = batch()
    torch.manual_seed(1)
    loss, _ = loss_of(model, given)
    torch.manual_seed(1)
    first, second = model(**inputs_of(given)), model(**inputs_of(given))
    losses = [functional.binary_cross_entropy_with_logits(x, given["labels"]) for x in (first, second)]
    divergence = distance(NUMBERS, "kl")(first, second)
    assert divergence > 0
    torch.testing.assert_close(loss, (losses[0] + losses[1]) / 2 + 3 * divergence / 2)


@pytest.mark.parametrize("settings", [{}, ADAPTER], ids=["full", "adapter"])
def test_smart_adds_a_term_that_teaches(tiny_backbone: Path, settings: dict[str, Any]) -> None:
    given = batch()
    found = []
    for weight in (0, 1, 2):
        regulariser = {"smart": {"weight": weight, "epsilon": 0.02}} if weight else {}
        loss_of, model, _ = build(tiny_backbone, **regulariser, **settings)
        torch.manual_seed(1)
        loss, _ = loss_of(model, given)
        loss.backward()
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        assert gradients
        assert all(torch.isfinite(gradient).all() for gradient in gradients)
        found.append(float(loss.detach()))
    assert found[1] > found[0]
    assert found[2] - found[1] == pytest.approx(found[1] - found[0], rel=0.01)


def test_in_a_stage_of_the_head_alone_none_acts(tiny_backbone: Path) -> None:
    settings = {"stages": HEAD_FIRST, "r_drop": {}, "smart": {}}
    loss_of, model, _ = build(tiny_backbone, **settings)
    given = batch()
    torch.manual_seed(1)
    loss, _ = loss_of(model, given)
    torch.manual_seed(1)
    plain = functional.binary_cross_entropy_with_logits(model(**inputs_of(given)), given["labels"])
    assert torch.equal(loss, plain)
    later, model, _ = build(tiny_backbone, 1, **settings)
    torch.manual_seed(1)
    assert later(model, given)[0] > plain


def test_losses_are_in_full_precision_under_autocast(tiny_backbone: Path) -> None:
    settings = {"r_drop": {}, "smart": {}, "losses": [{"kind": "bce"}, {"kind": "soft_spearman"}]}
    loss_of, model, _ = build(tiny_backbone, **settings)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, outputs = loss_of(model, batch())
    assert loss.dtype == torch.float32
    assert outputs.dtype == torch.bfloat16
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
