"""What the folds of a model have in common, made before the first is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from transformers import set_seed

import foldship_kernel
from foldship import receipts
from foldship.config.schema import Experiment, Model
from foldship.config.stages import ON_VECTORS
from foldship.metrics import Score
from foldship.mishaps import step
from foldship.modelling import aside, backbone, reading, store
from foldship.modelling.store import ADAPTED, CARD, OUT_OF_FOLD, TOKENIZER, ModelCard
from foldship.training import (
    adaptation,
    augment,
    disk,
    frozen_states,
    losses,
    one_fold,
    precision,
    pseudo,
    targets,
)
from foldship.training import fold as folds
from foldship.training.data import RowData
from foldship.training.material import Material, every_row, joined_groups
from foldship.training.pseudo import Unlabelled
from foldship.training.side_by_side import Work
from foldship_kernel import grouping, spans
from foldship_kernel.atomic import replacing, write_csv
from foldship_kernel.cleaning import Cleaning, clean_all
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.tasks import Task

# What makes inputs of rows: when it changes, trained folds no longer fit.
READING_CODE = [
    Path(foldship_kernel.__file__).parent / name
    for name in (
        "text.py",
        "cleaning.py",
        "patterns.py",
        "tokens.py",
        "encode.py",
        "encoded.py",
        "windows.py",
        "features.py",
        "counts.py",
        "style.py",
        "similarity.py",
        "spans.py",
        "intake.py",
        "tasks",
    )
]


@dataclass(frozen=True)
class Given:
    """What all models of an experiment are trained on; see `run.run`."""

    task: Task
    experiment: Experiment
    rows: pd.DataFrame
    folds_table: pd.DataFrame
    weights: Path
    unlabelled: Unlabelled | None
    score: Score


@dataclass(frozen=True)
class Prepared:
    """A model whose folds can be trained.

    Attributes:
        folder: the model's.
        works: the folds that are left to train.
        numbers: all folds.
        ids: of the training rows, in order.
    """

    folder: Path
    works: list[Work]
    numbers: list[int]
    ids: pd.Series

    def finish(self) -> Path:
        """Join the out-of-fold predictions of all folds; returns the model's folder."""
        task_id = str(self.ids.name)
        parts = [
            pd.read_csv(self.folder / f"fold{number}" / OUT_OF_FOLD, dtype={task_id: str})
            for number in self.numbers
        ]
        joined = pd.concat(parts).set_index(task_id).loc[list(self.ids)].reset_index()
        write_csv(self.folder / OUT_OF_FOLD, joined)
        (self.folder / one_fold.VECTORS).unlink(missing_ok=True)
        return self.folder


@step("preparing {name}")
def draft(name: str, given: Given) -> ModelCard:
    """The card of a model before its backbone is adapted, without its fingerprint.

    Args:
        name: of the model, in the experiment.
        given: what it is trained on.

    Raises:
        FoldshipError: settings do not fit the data, the backbone or the machine.
    """
    task, experiment, rows = given.task, given.experiment, given.rows
    config = experiment.models[name]
    losses.criterion(config, task)
    augment.check(config.augmentation, task)
    precision.choose(config)
    precision.optimizer(config)
    grouping.columns(task.group_targets, task.targets, config.group_mean)
    pseudo.teaching(config, task, given.weights, given.unlabelled)
    source = backbone.locate(config.backbone, given.weights.parent)
    tokenizer = backbone.load_tokenizer(source)
    card = ModelCard(
        name=name,
        task=task,
        source=source,
        config=config,
        encoding=reading.encoding_spec(config, tokenizer, task, backbone.positions(source, tokenizer)),
        features=reading.feature_spec(config.features, rows, task),
        data=receipts.digest(rows.to_csv(index=False)),
        fingerprint="",
        grid=targets.fit_grid(config, task.to_unit(_truth(given)).astype(np.float32), task),
        seed=experiment.seed_of(name),
        folds=experiment.folds,
    )
    folds.check(card)
    return card


@step("preparing {card.name}")
def prepare(card: ModelCard, given: Given) -> Prepared:
    """Make a model ready to train: its backbone, its folder, its rows as tensors.

    Args:
        card: its `draft`.
        given: what it is trained on.

    Raises:
        FoldshipError: the disk is full, or the loss of the backbone that is adapted is no number.
    """
    task, rows, weights, unlabelled = given.task, given.rows, given.weights, given.unlabelled
    config, folds_table, truth = card.config, given.folds_table, _truth(given)
    if config.adaptation is not None:
        tables = [rows, *([] if unlabelled is None else [unlabelled.rows])]
        texts = _texts(config, task, tables)
        with disk.named(weights):
            card = replace(card, source=adaptation.run(config, card.source, texts, weights / ADAPTED))
    table = folds_table.set_index(task.id).loc[list(rows[task.id])]
    shared = grouping.columns(task.group_targets, task.targets, config.group_mean)
    teaching = pseudo.teaching(config, task, weights, unlabelled)
    fingerprint = receipts.digest(
        {
            "config": config.model_dump(mode="json"),
            "seed": card.seed,
            "backbone": backbone.fingerprint(card.source),
            "folds": folds_table.to_csv(index=False),
            "rows": card.data,
            "targets": asdict(task),
            "encoding": asdict(card.encoding),
            "features": asdict(card.features),
            "code": receipts.digest_files(*READING_CODE),
            "further_rows": augment.hook_digest(config.augmentation),
            **({"score": receipts.digest_source(given.score)} if _looks_at_score(config) else {}),
            **({"group_targets": list(task.group_targets)} if config.group_mean else {}),
            **({"pseudo_labels": teaching.fingerprint()} if teaching else {}),
        }
    )
    # A fold that is whole needs no base; one of adapters is nothing on another one.
    base = "" if config.adapter is None else backbone.weights_digest(card.source)
    card = replace(card, fingerprint=fingerprint, base=base)
    folder = weights / card.name
    if not (folder / CARD).is_file() or store.fingerprint(folder) != fingerprint:
        aside.make_room(folder, fingerprint)
        folder.mkdir(parents=True, exist_ok=True)
    card.save(folder)
    for path in folder.glob(".*.part"):
        path.unlink()  # what a kill left half written
    (folder / TOKENIZER).parent.mkdir(exist_ok=True)
    with replacing(folder / TOKENIZER) as path:
        backbone.load_tokenizer(card.source).backend_tokenizer.save(str(path))

    every = every_row(rows, teaching)
    encoded, computed = reading.read_rows(every, task, folder / TOKENIZER, card.encoding, card.features)
    unlabelled_truth = np.zeros((len(every) - len(rows), truth.shape[1]))
    data = RowData(
        encoded=encoded,
        features=computed,
        targets=np.concatenate([task.to_unit(truth), unlabelled_truth]).astype(np.float32),
        groups=joined_groups(table["group"], [] if teaching is None else teaching.unlabelled.groups),
    )
    material = Material(card, folder / TOKENIZER, data, rows, shared, teaching)
    fold_of = table["fold"].to_numpy(np.int64)
    numbers = sorted(set(fold_of.tolist()))
    left = [number for number in numbers if not one_fold.is_finished(card, folder, number)]
    if left and config.stages[0].train in ON_VECTORS and not config.augmentation.makes_rows:
        set_seed(card.seed)
        with disk.named(folder):
            one_fold.frozen_vectors(folder, card, folds.build(card), data)
    frozen = _frozen(weights, card, encoded) if left else {}
    space = disk.space_of(card)
    works = [
        Work(
            f"{card.name} fold {number}",
            folder / f"fold{number}",
            one_fold.OneFold(material, folder, number, fold_of, truth, card.seed, given.score, frozen).train,
            space,
        )
        for number in left
    ]
    return Prepared(folder, works, numbers, rows[task.id])


def _frozen(weights: Path, card: ModelCard, encoded: EncodedRows) -> dict[int, Path]:
    """Files with the states of all layers that no stage changes, by number of layers."""
    depths = {frozen_states.depth(card.config, number) for number in range(len(card.config.stages))}
    with disk.named(weights):
        found = {
            layers: frozen_states.compute(weights, card, folds.build(card), encoded, layers)
            for layers in sorted(depths - {0})
        }
    return {layers: path for layers, path in found.items() if path is not None}


def _truth(given: Given) -> NDArray[np.float64]:
    return given.rows[list(given.task.targets)].to_numpy(np.float64)


def _looks_at_score(config: Model) -> bool:
    """Whether the metric decides on the weights, not on their score alone."""
    return config.has_plateau or config.early_stopping is not None


def _texts(config: Model, task: Task, tables: Sequence[pd.DataFrame]) -> list[str]:
    """All distinct texts of the rows that the model reads, in order, cleaned as it reads them."""
    cleaning = Cleaning(**config.cleaning.model_dump())
    names = dict.fromkeys(name for tower in config.towers for name in tower.segments)
    found = [task.raw_texts(table) for table in tables]
    cleaned = [text for texts in found for name in names for text in clean_all(texts[name], cleaning)]
    plain = map(spans.clear, cleaned) if task.spans else cleaned
    return list(dict.fromkeys(text for text in plain if text))
