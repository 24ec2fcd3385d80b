from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from foldship import export
from foldship.config.schema import Model
from foldship.export.merge import merge_adapters
from foldship.modelling import model as network
from foldship.modelling import predict, store
from foldship.modelling.model import RowModel

VARIANTS = [
    {"rslora": rslora, "dora": dora, "init": init}
    for init in ("default", "gaussian", "orthogonal", "olora", "pissa")
    for rslora, dora in ((False, False), (True, False), (True, True))
]


def vectors(trained: Any, model: RowModel) -> np.ndarray:
    card = store.load_card(trained.folder)
    return predict.encode(model, trained.encoded, card.encoding)


def fresh(card: store.ModelCard, config: Model) -> RowModel:
    return network.build(config, card.source, features=card.features, outputs=card.targets)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(map(str, v.values())))
def test_what_was_trained_is_read_and_merged_to_the_same(variant: dict[str, Any], train: Any) -> None:
    trained = train(lora=variant, folds=1)
    card = store.load_card(trained.folder)
    # As it was trained: made by the variant's own initialisation, then changed by training.
    as_trained = fresh(card, card.config)
    as_trained.load_state_dict(load_file(trained.folder / "fold0" / store.WEIGHTS), strict=False)
    expected = vectors(trained, as_trained)
    model = store.load_fold(trained.folder, 0)
    np.testing.assert_allclose(vectors(trained, model), expected, atol=2e-6)
    assert merge_adapters(model)
    assert not any("lora_" in name for name in model.state_dict())
    np.testing.assert_allclose(vectors(trained, model), expected, atol=5e-6)


def test_adapters_change_what_the_backbone_says(train: Any) -> None:
    trained = train(lora={"init": "pissa"}, folds=1)
    card = store.load_card(trained.folder)
    plain = fresh(card, card.config.model_copy(update={"adapter": None}))
    difference = vectors(trained, plain) - vectors(trained, store.load_fold(trained.folder, 0))
    assert np.abs(difference).max() > 1e-3


@pytest.mark.parametrize(("init", "kept"), [("default", False), ("pissa", True), ("olora", True)])
def test_a_base_that_changed_is_kept_with_the_adapters(init: str, kept: bool, train: Any) -> None:
    trained = train(lora={"init": init}, folds=1)
    path = trained.folder / "fold0" / store.WEIGHTS
    assert any(".base_layer." in name for name in load_file(path)) == kept


def test_a_variant_exports_with_parity(train: Any, tmp_path: Path) -> None:
    trained = train(lora={"init": "pissa", "rslora": True, "dora": True}, folds=1)
    export.run(trained.folder, trained.folds, trained.encoded, trained.features, tmp_path / "out")
    fold = json.loads((tmp_path / "out" / "parity.json").read_text())["folds"][0]
    assert len(fold["rungs"]) == 4
