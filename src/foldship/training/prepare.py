"""What the folds of a model have in common, made before the first is trained."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from transformers import set_seed

import foldship_kernel
from foldship import receipts
from foldship.config import schedules
from foldship.config.schema import Experiment, Model
from foldship.metrics import Score
from foldship.modelling import backbone, reading, store
from foldship.modelling.store import ADAPTED, CARD, OUT_OF_FOLD, TOKENIZER, ModelCard
from foldship.training import adaptation, augment, disk, one_fold, pseudo, targets
from foldship.training import fold as folds
from foldship.training.data import RowData
from foldship.training.material import Material, every_row, joined_groups
from foldship.training.pseudo import Unlabelled
from foldship.training.side_by_side import Work
from foldship_kernel.atomic import replacing, write_csv
from foldship_kernel.cleaning import Cleaning, clean_all
from foldship_kernel.tasks.base import Task

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
    group_targets: Sequence[str]
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


def prepare(name: str, given: Given) -> Prepared:
    """Make a model ready to train: its folder, its card, its rows as tensors.

    Args:
        name: of the model, in the experiment.
        given: what it is trained on.

    Raises:
        FoldshipError: settings do not fit the data or the backbone, or the disk is full.
    """
    task, experiment, rows, weights = given.task, given.experiment, given.rows, given.weights
    config, folds_table, unlabelled = experiment.models[name], given.folds_table, given.unlabelled
    source = backbone.locate(config.backbone, weights.parent)
    if config.adaptation is not None:
        tables = [rows, *([] if unlabelled is None else [unlabelled.rows])]
        texts = _texts(task, tables, Cleaning(**config.cleaning.model_dump()))
        with disk.named(weights):
            source = adaptation.run(config, source, texts, weights / ADAPTED)
    tokenizer = backbone.load_tokenizer(source)
    encoding = reading.encoding_spec(config, tokenizer, task, backbone.positions(source, tokenizer))
    spec = reading.feature_spec(config.features, rows, task)
    table = folds_table.set_index(task.ID).loc[list(rows[task.ID])]
    truth = rows[list(task.TARGETS)].to_numpy(np.float64)
    grid = targets.fit_grid(config, truth.astype(np.float32), task)
    shared = targets.group_columns(config, given.group_targets, task)
    teaching = pseudo.teaching(config, task, weights, unlabelled)
    seed = experiment.seed_of(name)
    rows_digest = receipts.digest(rows.to_csv(index=False))
    fingerprint = receipts.digest(
        {
            "config": config.model_dump(mode="json"),
            "seed": seed,
            "backbone": backbone.fingerprint(source),
            "folds": folds_table.to_csv(index=False),
            "rows": rows_digest,
            "targets": [task.ACTIVATION, *task.TARGETS],
            "encoding": asdict(encoding),
            "features": asdict(spec),
            "code": receipts.digest_files(*READING_CODE),
            "further_rows": augment.hook_digest(config.augmentation),
            **({"score": receipts.digest_source(given.score)} if _looks_at_score(config) else {}),
            **({"group_targets": list(given.group_targets)} if config.group_mean else {}),
            **({"pseudo_labels": teaching.fingerprint()} if teaching else {}),
        }
    )
    folder = weights / name
    card = ModelCard(
        name=name,
        competition=task.NAME,
        source=source,
        targets=tuple(task.TARGETS),
        config=config,
        encoding=encoding,
        features=spec,
        data=rows_digest,
        fingerprint=fingerprint,
        grid=grid,
        seed=seed,
        folds=experiment.folds,
    )
    if not (folder / CARD).is_file() or store.fingerprint(folder) != fingerprint:
        folds.check(card)
        _make_room(folder, fingerprint)
        folder.mkdir(parents=True, exist_ok=True)
    card.save(folder)
    for path in folder.glob(".*.part"):
        path.unlink()  # what a kill left half written
    (folder / TOKENIZER).parent.mkdir(exist_ok=True)
    with replacing(folder / TOKENIZER) as path:
        tokenizer.backend_tokenizer.save(str(path))

    every = every_row(rows, teaching)
    encoded, computed = reading.read_rows(every, task, folder / TOKENIZER, encoding, spec)
    unlabelled_truth = np.zeros((len(every) - len(rows), truth.shape[1]))
    data = RowData(
        encoded=encoded,
        features=computed,
        targets=np.concatenate([truth, unlabelled_truth]).astype(np.float32),
        groups=joined_groups(table["group"], [] if teaching is None else teaching.unlabelled.groups),
    )
    material = Material(card, folder / TOKENIZER, data, rows, shared, teaching)
    fold_of = table["fold"].to_numpy(np.int64)
    numbers = sorted(set(fold_of.tolist()))
    left = [number for number in numbers if not one_fold.is_finished(card, folder, number)]
    if left and config.stages[0].train == "head" and config.augmentation.rows is None:
        set_seed(seed)
        with disk.named(folder):
            one_fold.frozen_vectors(folder, card, folds.build(card), data)
    space = disk.space_of(card)
    works = [
        Work(
            f"{name} fold {number}",
            folder / f"fold{number}",
            one_fold.OneFold(material, folder, number, fold_of, truth, seed, given.score).train,
            space,
        )
        for number in left
    ]
    return Prepared(folder, works, numbers, rows[task.ID])


def _looks_at_score(config: Model) -> bool:
    """Whether the metric decides on the weights, not on their score alone."""
    plateau = any(stage.schedule == schedules.PLATEAU for stage in config.stages)
    return plateau or config.early_stopping is not None


def _texts(task: Task, tables: Sequence[pd.DataFrame], cleaning: Cleaning) -> list[str]:
    """All distinct texts of the rows, in order, cleaned as the model reads them."""
    found = [task.raw_texts(table) for table in tables]
    cleaned = [text for texts in found for name in task.TEXTS for text in clean_all(texts[name], cleaning)]
    return list(dict.fromkeys(text for text in cleaned if text))


def _make_room(folder: Path, fingerprint: str) -> None:
    """Set aside a model of this name that was trained on something else; bring an earlier one back."""
    if (folder / CARD).is_file():
        old = store.fingerprint(folder)
        aside = folder.with_name(f"{folder.name}@{old[:8] or 'unreadable'}")
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        print(f"{folder.name}: trained on other data or settings before; that one is now {aside}", flush=True)
    earlier = folder.with_name(f"{folder.name}@{fingerprint[:8]}")
    if earlier.is_dir():
        earlier.rename(folder)
        print(f"{folder.name}: {earlier.name} was trained on just this; brought back", flush=True)
