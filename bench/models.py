"""Models for the bench, written and exported as trained ones are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from transformers import BertConfig, BertModel

from bench import texts
from bench.competition import quest
from foldship import export
from foldship.config.schema import Model
from foldship.export import fusion, trace
from foldship.modelling import backbone, graph_files, reading, store
from foldship.modelling import model as network
from foldship.modelling.heads import RowHead
from foldship.modelling.store import ModelCard
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.features import FeatureSpec

PARITY_ROWS = 8
ROW_TOKENS, SMALL_TOKENS = 64, 48
TOWERS = ("question_title", "question_body"), ("question_title", "answer")
STAGES = [{"train": "full", "epochs": 1, "encoder_lr": 1e-4, "head_lr": 1e-3}]  # never run


@dataclass(frozen=True)
class Exported:
    """A model and its graphs.

    Attributes:
        model_dir: with card, tokenizer and trained folds.
        folder: with the exported graphs.
        folds: entries of `export.json`.
        card: what all folds share.
        full_weights: the first fold's encoder for CPUs before its weights were rounded to fp16.
    """

    model_dir: Path
    folder: Path
    folds: list[dict[str, Any]]
    card: ModelCard
    full_weights: Path


class Models:
    """Makes each model when it is first asked for.

    Args:
        folder: to work in.
        folds: how many folds the row model has.
    """

    def __init__(self, folder: Path, folds: int) -> None:
        self._folder, self._folds = folder, folds

    @cached_property
    def sentences(self) -> Exported:
        """The embedded backbone, whose outputs are mean-pooled vectors: (rows, 384)."""
        config = Model.model_validate(
            {
                "backbone": backbone.EMBEDDED,
                "towers": [{"segments": ["answer"], "max_tokens": texts.LONGEST}],
                "pooling": ["mean"],
                "head": {"hidden": 0},
                "stages": STAGES,
            }
        )
        width = _width(backbone.locate(backbone.EMBEDDED, self._folder))
        card = self._card("sentences", config, tuple(f"v{place}" for place in range(width)))
        model = network.build(
            config, card.source, features=card.features, outputs=card.targets, attention="eager"
        )
        linear = cast(torch.nn.Linear, cast(RowHead, model.head).layers[-1])
        with torch.no_grad():
            linear.weight.copy_(torch.eye(width))
            linear.bias.zero_()
        return self._export(card, [model], texts.sequences(PARITY_ROWS, seed=1))

    @cached_property
    def rows(self) -> Exported:
        """The embedded backbone on QUEST's two towers, `ROW_TOKENS` each, with several folds."""
        return self._row_model("rows", backbone.EMBEDDED, ROW_TOKENS, self._folds)

    @cached_property
    def small(self) -> Exported:
        """A BERT of two layers, 128 wide, on QUEST's two towers, `SMALL_TOKENS` each."""
        source = self._folder / "small-backbone"
        torch.manual_seed(0)
        tokenizer = backbone.load_tokenizer(backbone.locate(backbone.EMBEDDED, self._folder))
        BertModel(
            BertConfig(
                vocab_size=len(tokenizer),
                hidden_size=128,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=512,
                max_position_embeddings=128,
            )
        ).save_pretrained(source)
        tokenizer.save_pretrained(source)
        return self._row_model("small", str(source), SMALL_TOKENS, 1)

    def _row_model(self, name: str, source: str, tokens: int, folds: int) -> Exported:
        config = Model.model_validate(
            {
                "backbone": source,
                "towers": [{"segments": segments, "max_tokens": tokens} for segments in TOWERS],
                "stages": STAGES,
            }
        )
        card = self._card(name, config, quest.targets)
        made = []
        for fold in range(folds):
            torch.manual_seed(fold)
            model = network.build(
                config, card.source, features=card.features, outputs=card.targets, attention="eager"
            )
            with torch.no_grad():  # folds that were trained share no weights
                for parameter in model.encoder.parameters():
                    parameter.add_(torch.randn_like(parameter), alpha=1e-3)
            made.append(model)
        rows = texts.rows(PARITY_ROWS, words=(5, tokens), repeated=True, seed=1)
        return self._export(card, made, self.encode(card, rows))

    def encode(self, card: ModelCard, rows: pd.DataFrame) -> EncodedRows:
        """Token sequences of rows, as the kernel makes them."""
        tokenizer = self._folder / card.name / store.TOKENIZER
        return reading.read_rows(rows, quest, tokenizer, card.encoding, card.features)[0]

    def _card(self, name: str, config: Model, targets: tuple[str, ...]) -> ModelCard:
        folder = self._folder / name
        source = backbone.locate(config.backbone, self._folder)
        tokenizer = backbone.load_tokenizer(source)
        (folder / store.TOKENIZER).parent.mkdir(parents=True)
        tokenizer.backend_tokenizer.save(str(folder / store.TOKENIZER))
        card = ModelCard(
            name=name,
            task=replace(quest, targets=targets),
            source=source,
            config=config,
            encoding=reading.encoding_spec(config, tokenizer, quest, backbone.positions(source, tokenizer)),
            features=FeatureSpec(),
            data="generated",
            fingerprint="bench",
        )
        card.save(folder)
        return card

    def _export(self, card: ModelCard, folds: list[network.RowModel], probe: EncodedRows) -> Exported:
        folder, out = self._folder / card.name, self._folder / f"{card.name}-export"
        for number, fold in enumerate(folds):
            (folder / f"fold{number}").mkdir()
            store.save_fold(folder / f"fold{number}", fold)
        features = np.zeros((len(probe.index), card.features.width), dtype=np.float32)
        summary = export.run(folder, range(len(folds)), probe, features, out)
        full_weights = self._folder / f"{card.name}-full.onnx"
        trace.trace_encoder(folds[0].encoder, full_weights, segment_ids=card.encoding.segment_ids)
        config = cast(BertConfig, folds[0].encoder.backbone.config)
        graph_files.store(fusion.fuse(full_weights, config), full_weights)
        return Exported(folder, out, summary["folds"], card, full_weights)


def _width(source: str) -> int:
    return int(BertConfig.from_pretrained(source).hidden_size)
