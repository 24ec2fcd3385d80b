"""Trained-looking model folders around tiny random encoders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from declared import quest
from tokenizers import Tokenizer, models

from foldship.config.network import reads_spans
from foldship.config.schema import Model
from foldship.export.samples import HeldOut, Rows
from foldship.modelling import model as network
from foldship.modelling import predict, store
from foldship.modelling.store import ModelCard
from foldship_kernel.encode import EncodingSpec, TowerSpec
from foldship_kernel.encoded import EncodedRows, ends
from foldship_kernel.features import FeatureSpec, OneHot

VOCABULARY, LONGEST = 200, 48
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}
BACKBONES = {
    "bert": transformers.BertConfig(**SIZES),
    "roberta": transformers.RobertaConfig(**SIZES, pad_token_id=1, type_vocab_size=1),
    "xlm-roberta": transformers.XLMRobertaConfig(**SIZES, pad_token_id=1, type_vocab_size=1),
    "electra": transformers.ElectraConfig(**SIZES, embedding_size=16),
    "deberta-v2": transformers.DebertaV2Config(
        **SIZES, relative_attention=True, pos_att_type=["p2c", "c2p"], type_vocab_size=0
    ),
}
LORA = {"rank": 2, "alpha": 4, "targets": ["query", "value"]}


@dataclass(frozen=True)
class Trained:
    """A model folder, and rows to check it on."""

    folder: Path
    folds: list[int]
    encoded: EncodedRows
    features: np.ndarray


@pytest.fixture(scope="session")
def train(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Trained]:
    """Write a model folder whose folds differ as trained ones do."""

    def build(
        kind: str = "bert",
        *,
        lora: bool | dict[str, Any] = False,
        segment_ids: bool = False,
        folds: int = 2,
        **settings: object,
    ) -> Trained:
        root = tmp_path_factory.mktemp(kind)
        torch.manual_seed(0)
        encoder = transformers.AutoModel.from_config(BACKBONES[kind])
        encoder.save_pretrained(root / "backbone")
        config = Model.model_validate(
            {
                "backbone": str(root / "backbone"),
                "towers": [{"segments": ["question_title"], "max_tokens": LONGEST}] * 2,
                "segment_ids": segment_ids,
                "head": {"hidden": 16},
                "adapter": {**LORA, **(lora if isinstance(lora, dict) else {})} if lora else None,
                **settings,
                "stages": [
                    {
                        "train": "adapter" if lora else "full",
                        "epochs": 1,
                        "encoder_lr": 1e-4,
                        "head_lr": 1e-3,
                    }
                ],
            }
        )
        pad = encoder.config.pad_token_id
        card = ModelCard(
            name=kind,
            task=replace(quest, spans=("subject", "object")),
            source=str(root / "backbone"),
            config=config,
            encoding=EncodingSpec(
                towers=(TowerSpec(("question_title",), LONGEST, (None,)),) * 2,
                head_fraction=0.5,
                prefix_ids=(2,),
                between_ids=(3,),
                suffix_ids=(3,),
                pad_id=pad,
                segment_ids=segment_ids,
                spans=reads_spans(config.pooling),
            ),
            features=FeatureSpec(one_hots=(OneHot("category", ("A", "B", "C"), others=False),)),
            fingerprint="none",
            data="none",
        )
        folder = root / "model"
        (folder / "tokenizer").mkdir(parents=True)
        Tokenizer(models.WordLevel({"a": 0})).save(str(folder / store.TOKENIZER))
        card.save(folder)
        for fold in range(folds):
            torch.manual_seed(fold)
            model = network.build(
                config,
                card.source,
                features=card.features,
                outputs=card.targets,
                spans=card.task.spans,
                attention="eager",
            )
            with torch.no_grad():
                for name, tensor in model.named_parameters():
                    if not lora or "lora_" in name:
                        tensor.add_(torch.randn_like(tensor) * 0.02)
            (folder / f"fold{fold}").mkdir()
            store.save_fold(folder / f"fold{fold}", model)
        encoded, features = _rows(pad)
        return Trained(folder, list(range(folds)), encoded, features)

    return build


@pytest.fixture(scope="session")
def held_out() -> Callable[[Trained], dict[int, HeldOut]]:
    """For every fold the same rows, with a truth that is what the fold predicts, a little disturbed."""

    def build(trained: Trained) -> dict[int, HeldOut]:
        samples = {}
        for fold in trained.folds:
            card, model = store.load_card(trained.folder), store.load_fold(trained.folder, fold)
            vectors = predict.encode(model, trained.encoded, card.encoding)
            outputs = quest.outputs(predict.logits(model, vectors, trained.encoded, trained.features))
            truth = outputs + np.random.default_rng(fold).normal(scale=0.02, size=outputs.shape)
            samples[fold] = HeldOut(Rows(trained.encoded, trained.features), truth, outputs)
        return samples

    return build


@pytest.fixture
def graded_rows() -> Callable[[int], Rows]:
    """Some rows; row k reads a sequence of k + 1 tokens, and has k as its feature."""

    def build(count: int) -> Rows:
        lengths = np.arange(1, count + 1)
        encoded = EncodedRows(
            np.repeat(np.arange(count), lengths).astype(np.int32),
            ends(lengths),
            lengths.astype(np.int32),
            np.arange(count)[:, None],
        )
        return Rows(encoded, np.arange(count, dtype=np.float32)[:, None])

    return build


def _rows(pad: int) -> tuple[EncodedRows, np.ndarray]:
    """Twelve rows of two towers, 2 to 40 tokens."""
    random = np.random.default_rng(0)
    sequences = [
        random.integers(5, VOCABULARY, n).astype(np.int32) for n in np.linspace(2, 40, 18, dtype=int)
    ]
    assert all(pad not in sequence for sequence in sequences)
    boundaries = np.array([len(sequence) // 2 + 1 for sequence in sequences], dtype=np.int32)
    index = np.stack([np.arange(12), np.arange(12) + 6], axis=1)
    features = np.eye(3, dtype=np.float32)[np.arange(12) % 3]
    offsets = ends(np.array([len(sequence) for sequence in sequences]))
    marks = random.integers(0, 4, int(offsets[-1])).astype(np.uint8)
    rows = EncodedRows(np.concatenate(sequences), offsets, boundaries, index, marks=marks)
    return rows, features
