"""Training of folds: side by side, one after another, and by the Trainer of transformers as it comes.

And with half of the layers frozen: their states kept, and computed in every step.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, cast
from unittest import mock

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

from bench import texts, timing
from bench.competition import quest
from bench.options import Options
from bench.report import Report, ratio
from foldship.config.schema import Experiment
from foldship.modelling import backbone
from foldship.reporting.tables import Table
from foldship.training import frozen_states, precision
from foldship.training import run as training
from foldship_kernel.errors import FoldshipError

TOKENS, BATCH, FOLDS = 160, 16, 2
RATES = {"encoder_lr": 1e-4, "head_lr": 1e-3}
TARGETS = list(quest.targets)
FROZEN, FROZEN_EPOCHS = 3, 3  # of the embedded backbone's six layers, and as long as a real training
TITLES = {
    "side_by_side": "ours, folds side by side",
    "in_turn": "ours, folds in turn",
    "transformers_trainer": "Trainer of transformers, folds in turn",
}
FROZEN_TITLES = {
    "kept_states": "ours, states of frozen layers kept",
    "frozen_layers_run": "ours, frozen layers run in every step",
}


def run(options: Options, folder: Path, encoder: str = backbone.EMBEDDED) -> Report:
    """Train all folds of one model in each of three ways, and with half of its layers frozen in two.

    Args:
        options: how much.
        folder: to work in; removed.
        encoder: the backbone, as in an experiment.
    """
    size = options.size
    rows = _rows(size.trained_rows)
    places = count()

    def ours(rows: pd.DataFrame, jobs: int) -> Callable[[], None]:
        def train() -> None:
            _ours(rows, encoder, jobs, folder / str(next(places)))

        return train

    def tasks(rows: pd.DataFrame) -> dict[str, Callable[[], None]]:
        return {
            "side_by_side": ours(rows, options.threads),
            "in_turn": ours(rows, 1),
            "transformers_trainer": lambda: _theirs(rows, encoder, folder / str(next(places))),
            "kept_states": lambda: _frozen(rows, encoder, options.threads, folder / str(next(places)), True),
            "frozen_layers_run": lambda: _frozen(
                rows, encoder, options.threads, folder / str(next(places)), False
            ),
        }

    with contextlib.redirect_stdout(io.StringIO()):
        timed = timing.interleave(
            tasks(rows), size.rounds, warm_up=tasks(_rows(2 * BATCH)), describe="training"
        )
    shutil.rmtree(folder, ignore_errors=True)
    if timed.failures:
        raise FoldshipError("training: a way failed", found="; ".join(timed.failures.values()))
    seconds = {name: timed.median_s(name) for name in (*TITLES, *FROZEN_TITLES)}
    learned = len(rows) * (FOLDS - 1)
    return Report(
        "training",
        "Training folds",
        {
            **ratio("side_by_side", "in_turn", ours=seconds["side_by_side"], theirs=seconds["in_turn"]),
            **ratio(
                "training",
                "transformers_trainer",
                ours=seconds["side_by_side"],
                theirs=seconds["transformers_trainer"],
            ),
            **ratio(
                "kept_states",
                "frozen_layers_run",
                ours=seconds["kept_states"],
                theirs=seconds["frozen_layers_run"],
            ),
        },
        (
            _table(f"{FOLDS} folds, an epoch each", TITLES, seconds, learned),
            _table(
                f"{FOLDS} folds, {FROZEN_EPOCHS} epochs each, {FROZEN} layers frozen",
                FROZEN_TITLES,
                seconds,
                FROZEN_EPOCHS * learned,
            ),
        ),
        (
            f"{len(rows)} generated rows of two towers of at most {TOKENS} tokens, batches of {BATCH}, the "
            f"embedded backbone without dropout, every layer trained but where it says otherwise, "
            f"{precision.fastest()}. Medians of {size.rounds} rounds.",
            "Ours: from tables to out-of-fold predictions, checkpoints on the way, in full. The Trainer: "
            "the same rows and network in its plainest form, without checkpoints or predictions.",
            "The imports of the folds' processes happen once, before the first round.",
        ),
    )


def _table(title: str, ways: Mapping[str, str], seconds: Mapping[str, float], learned: int) -> Table:
    """How long each way took to learn so many rows."""
    return Table(
        title,
        ("way", "seconds", "rows a second"),
        tuple(
            (shown, f"{seconds[name]:.1f}", f"{learned / seconds[name]:.2f}") for name, shown in ways.items()
        ),
    )


def _rows(number: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = texts.rows(number, words=(40, 200), repeated=True)
    labels = pd.DataFrame(random.integers(0, 4, (number, len(TARGETS))) / 3, columns=TARGETS)
    return pd.concat([rows, labels], axis=1)


def _frozen(rows: pd.DataFrame, encoder: str, jobs: int, folder: Path, kept: bool) -> None:
    stage = {"epochs": FROZEN_EPOCHS, "freeze_layers": FROZEN}
    with contextlib.nullcontext() if kept else mock.patch.object(frozen_states, "compute", return_value=None):
        _ours(rows, encoder, jobs, folder, stage)


def _ours(
    rows: pd.DataFrame, encoder: str, jobs: int, folder: Path, stage: Mapping[str, Any] | None = None
) -> None:
    towers = [("question_title", "question_body"), ("question_title", "answer")]
    model = {
        "backbone": encoder,
        "encoder_dropout": 0.0,
        "towers": [{"segments": segments, "max_tokens": TOKENS} for segments in towers],
        "pooling": ["mean"],
        "batch_size": BATCH,
        "stages": [{"train": "full", "epochs": 1, **RATES, **(stage or {})}],
    }
    experiment = Experiment.model_validate({"competition": "quest", "models": {"minilm": model}})
    group = pd.factorize(rows["question_body"])[0]
    folds = pd.DataFrame({quest.id: rows[quest.id], "group": group, "fold": group % FOLDS})
    training.run(quest, experiment, rows, folds, folder, jobs=jobs)


def _theirs(rows: pd.DataFrame, encoder: str, folder: Path) -> None:
    source = backbone.locate(encoder, folder)
    tokenizer = AutoTokenizer.from_pretrained(source)
    pad = DataCollatorWithPadding(tokenizer)
    encoded = [
        tokenizer(
            list(rows["question_title"]), list(rows[text]), truncation=True, max_length=TOKENS, padding=False
        )["input_ids"]
        for text in ("question_body", "answer")
    ]
    labels = rows[TARGETS].to_numpy(np.float32)
    fold_of = pd.factorize(rows["question_body"])[0] % FOLDS

    def collate(places: list[int]) -> dict[str, Tensor]:
        towers = [pad([{"input_ids": tower[place]} for place in places]) for tower in encoded]
        return {
            "questions": towers[0]["input_ids"],
            "question_mask": towers[0]["attention_mask"],
            "answers": towers[1]["input_ids"],
            "answer_mask": towers[1]["attention_mask"],
            "labels": torch.from_numpy(labels[places]),
        }

    for fold in range(FOLDS):
        learn = [int(place) for place in np.flatnonzero(fold_of != fold)]
        precision.announce(precision.fastest())
        arguments = TrainingArguments(
            output_dir=str(folder / str(fold)),
            per_device_train_batch_size=BATCH,
            num_train_epochs=1,
            learning_rate=RATES["encoder_lr"],
            bf16=precision.fastest() == "bf16",
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            remove_unused_columns=False,
            disable_tqdm=True,
        )
        Trainer(Plain(source), arguments, collate, cast(Any, learn)).train()


class Plain(nn.Module):
    """Mean-pooled vectors of both texts, one hidden layer, cross-entropy."""

    def __init__(self, source: str) -> None:
        super().__init__()
        config = AutoConfig.from_pretrained(source, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        self.encoder = AutoModel.from_pretrained(source, config=config)
        self.head = nn.Sequential(
            nn.Linear(2 * config.hidden_size, 256), nn.GELU(), nn.Linear(256, len(TARGETS))
        )

    def forward(
        self, questions: Tensor, question_mask: Tensor, answers: Tensor, answer_mask: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """The loss of a batch."""
        pooled = [self._pool(questions, question_mask), self._pool(answers, answer_mask)]
        logits = self.head(torch.cat(pooled, -1)).float()
        return {"loss": nn.functional.binary_cross_entropy_with_logits(logits, labels), "logits": logits}

    def _pool(self, ids: Tensor, mask: Tensor) -> Tensor:
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(states.dtype)
        pooled: Tensor = (states * weights).sum(1) / weights.sum(1)
        return pooled
