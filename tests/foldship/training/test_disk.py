from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import model_settings
import pytest
from transformers import AutoModel

from foldship.modelling import backbone
from foldship.training import disk

MIB = 1 << 20
RIDGE = {"train": "ridge"}
FULL = {"train": "full", "epochs": 1, "encoder_lr": 1e-4, "head_lr": 1e-3}
HEAD = {"train": "head", "epochs": 1, "head_lr": 1e-3}


def card(source: str, **settings: Any) -> Any:
    return SimpleNamespace(source=source, config=model_settings.config(**settings))


@pytest.fixture(scope="module")
def embedded() -> str:
    return backbone.locate(backbone.EMBEDDED, Path("weights"))


def test_parameters_are_about_those_that_the_backbone_has(embedded: str) -> None:
    model = AutoModel.from_pretrained(embedded)
    real = sum(value.numel() for value in model.parameters())
    assert disk.parameters(card(embedded))[0] == pytest.approx(real, rel=0.05)
    assert disk.weights_of(embedded) == pytest.approx(4 * real, rel=0.05)
    assert disk.weights_of("no/such-backbone") == 0


@pytest.mark.parametrize(
    ("settings", "low", "high"),
    [
        # 22.6 M weights of 4 bytes: a stage's and the fold's, and no checkpoint.
        ({"stages": [RIDGE], "head": {"hidden": 0}}, 170, 180),
        # Three checkpoints of weights and optimizer state, a stage's weights and the fold's.
        ({"stages": [FULL]}, 930, 945),
        # Of a head stage's checkpoints the optimizer's state is next to nothing.
        ({"stages": [HEAD]}, 425, 440),
        # Embeddings and three of six layers do not learn.
        ({"stages": [{**FULL, "freeze_layers": 3}]}, 540, 570),
        ({"stages": [{**FULL, "train": "adapter"}], "adapter": {}}, 340, 370),
        ({"stages": [FULL], "averaging": {"kind": "ema"}}, 1185, 1200),
    ],
)
def test_a_fold_takes_what_its_recipe_writes(
    settings: dict[str, Any], low: int, high: int, embedded: str
) -> None:
    assert low <= disk.space_of(card(embedded, **settings)) / MIB <= high


def test_folds_that_are_there_count_no_more(embedded: str, tmp_path: Path) -> None:
    one = card(embedded, stages=[RIDGE], head={"hidden": 0})
    kept = disk.kept_of(one)
    assert disk.needed({tmp_path / "m": one}, 4, 2) == 6 * kept
    (tmp_path / "m" / "fold0").mkdir(parents=True)
    with (tmp_path / "m" / "fold0" / "model.safetensors").open("wb") as stream:
        stream.truncate(kept)
    assert disk.needed({tmp_path / "m": one}, 4, 2) == pytest.approx(5 * kept, rel=1e-3)
    (tmp_path / "m" / "oof.csv").touch()
    assert disk.needed({tmp_path / "m": one}, 4, 2) == pytest.approx(3 * kept, rel=1e-3)
