"""All folds of all models: what is finished is kept, what is broken off goes on."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from transformers import set_seed

import foldship_kernel
from foldship import metrics, receipts
from foldship.config.schema import Experiment, Model
from foldship.modelling import backbone, reading, store
from foldship.modelling.model import RowModel
from foldship.modelling.store import ADAPTED, CARD, OUT_OF_FOLD, TOKENIZER, WEIGHTS, ModelCard
from foldship.training import adaptation, augment, disk, losses, pseudo, side_by_side, targets
from foldship.training import fold as folds
from foldship.training.data import RowData
from foldship.training.material import Material, joined_groups
from foldship.training.pseudo import Unlabelled
from foldship_kernel import tasks
from foldship_kernel.atomic import replacing, write_csv
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks.base import Task, activate

VECTORS = "frozen-vectors.npy"
# What makes inputs of rows: when it changes, trained folds no longer fit.
READING_CODE = [
    Path(foldship_kernel.__file__).parent / name
    for name in (
        "text.py",
        "cleaning.py",
        "patterns.py",
        "tokens.py",
        "encode.py",
        "windows.py",
        "features.py",
        "counts.py",
        "intake.py",
        "tasks",
    )
]


def run(
    task: Task,
    experiment: Experiment,
    rows: pd.DataFrame,
    folds_table: pd.DataFrame,
    weights: Path,
    *,
    jobs: int | None = None,
    group_targets: Sequence[str] = (),
    unlabelled: Unlabelled | None = None,
) -> list[Path]:
    """Train every model of the experiment.

    Args:
        task: the competition's task.
        experiment: models and seed.
        rows: training rows with float targets.
        folds_table: id, group and fold of each row.
        weights: the competition's folder for weights.
        jobs: most folds to train at once on a CPU; None takes as many as the machine bears.
        group_targets: targets that belong to a row's group alone.
        unlabelled: rows that models with `pseudo_labels` learn from besides, and that backbones adapt to.

    Returns:
        The folder of each model, with `oof.csv` in it.

    Raises:
        FoldshipError: settings do not fit the data or the machine, or the disk is full.
    """
    for config in experiment.models.values():  # what does not fit is refused before anything is trained
        losses.criterion(config, task.TARGETS)
        targets.group_columns(config, group_targets, task)
        pseudo.teaching(config, task, weights, unlabelled)
    return [
        _run_model(
            name, config, task, experiment, rows, folds_table, weights, jobs, group_targets, unlabelled
        )
        for name, config in experiment.models.items()
    ]


def _run_model(
    name: str,
    config: Model,
    task: Task,
    experiment: Experiment,
    rows: pd.DataFrame,
    folds_table: pd.DataFrame,
    weights: Path,
    jobs: int | None,
    group_targets: Sequence[str],
    unlabelled: Unlabelled | None,
) -> Path:
    source = backbone.locate(config.backbone, weights.parent)
    if config.adaptation is not None:
        texts = _texts(task, rows, *([] if unlabelled is None else [unlabelled.rows]))
        with disk.named(weights):
            source = adaptation.run(config, source, texts, weights / ADAPTED)
    tokenizer = backbone.load_tokenizer(source)
    encoding = reading.encoding_spec(config, tokenizer, task, backbone.positions(source, tokenizer))
    spec = reading.feature_spec(config.features, rows, task)
    table = folds_table.set_index(task.ID).loc[list(rows[task.ID])]
    truth = rows[list(task.TARGETS)].to_numpy(np.float64)
    grid = targets.fit_grid(config, truth.astype(np.float32), task)
    shared = targets.group_columns(config, group_targets, task)
    teaching = pseudo.teaching(config, task, weights, unlabelled)
    seed = experiment.seed if config.seed is None else config.seed
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
            **({"group_targets": list(group_targets)} if config.group_mean else {}),
            **({"pseudo_labels": teaching.fingerprint()} if teaching else {}),
        }
    )
    folder = weights / name
    _make_room(folder, fingerprint)
    folder.mkdir(parents=True, exist_ok=True)
    card = ModelCard(
        name, task.NAME, source, tuple(task.TARGETS), config, encoding, spec, rows_digest, fingerprint, grid
    )
    card.save(folder)
    (folder / TOKENIZER).parent.mkdir(exist_ok=True)
    with replacing(folder / TOKENIZER) as path:
        tokenizer.backend_tokenizer.save(str(path))

    extra = rows.iloc[:0] if teaching is None else teaching.unlabelled.rows
    every = pd.concat([rows, extra], ignore_index=True)
    encoded, computed = reading.read_rows(every, task, folder / TOKENIZER, encoding, spec)
    data = RowData(
        encoded=encoded,
        features=computed,
        targets=np.concatenate([truth, np.zeros((len(extra), truth.shape[1]))]).astype(np.float32),
        groups=joined_groups(table["group"], [] if teaching is None else teaching.unlabelled.groups),
    )
    material = Material(card, folder / TOKENIZER, data, rows, shared, teaching)
    fold_of = table["fold"].to_numpy(np.int64)
    numbers = sorted(set(fold_of.tolist()))
    left = [number for number in numbers if not _is_finished(card, folder, number)]
    if left and config.stages[0].train == "head" and config.augmentation.rows is None:
        set_seed(seed)
        with disk.named(folder):
            _frozen_vectors(folder, card, folds.build(card), data)
    side_by_side.run(
        [
            side_by_side.Work(
                f"{name} fold {number}",
                folder / f"fold{number}",
                partial(_run_fold, material, folder, number, fold_of, truth, seed),
            )
            for number in left
        ],
        jobs,
        partial(disk.check_space, card),
    )
    joined = pd.concat([_read_oof(folder / f"fold{number}", task) for number in numbers])
    write_csv(folder / OUT_OF_FOLD, joined.set_index(task.ID).loc[list(rows[task.ID])].reset_index())
    (folder / VECTORS).unlink(missing_ok=True)
    return folder


def _is_finished(card: ModelCard, model_folder: Path, number: int) -> bool:
    folder = model_folder / f"fold{number}"
    files = (folder / WEIGHTS, folder / OUT_OF_FOLD)
    if not (receipts.is_current(folder, _inputs(card, number)) and all(file.is_file() for file in files)):
        return False
    folds.discard_stages(folder)
    print(f"{card.name} fold {number}: finished before, kept", flush=True)
    return True


def _inputs(card: ModelCard, number: int) -> str:
    return receipts.digest([card.fingerprint, number])


def _run_fold(
    material: Material,
    model_folder: Path,
    number: int,
    fold_of: NDArray[np.int64],
    truth: NDArray[np.float64],
    seed: int,
) -> None:
    card, data = material.card, material.data
    task, folder = tasks.get(card.competition), model_folder / f"fold{number}"
    learn, held_out = np.flatnonzero(fold_of != number), np.flatnonzero(fold_of == number)
    train, pseudo_labelled, positions = material.of_fold(number, learn, held_out, seed + number)
    job = folds.FoldJob(
        card=card,
        fold=number,
        train=train,
        held_out=data.take(held_out),
        score=lambda logits: metrics.mean_spearman(truth[held_out], logits),
        folder=folder,
        seed=seed + number,
        frozen_vectors=lambda model: (
            folds.encode(card, model, train, "frozen encoder")
            if positions is None
            else _frozen_vectors(model_folder, card, model, data)[data.encoded.used(positions)]
        ),
        pseudo=pseudo_labelled,
    )
    print(
        f"{card.name} fold {number}: {len(train.features) - pseudo_labelled} rows to learn from, "
        f"{len(held_out)} held out" + (f", {pseudo_labelled} pseudo-labelled" if material.teaching else ""),
        flush=True,
    )
    with disk.named(model_folder):
        outputs = activate(folds.train(job), task.ACTIVATION)
        if not np.isfinite(outputs).all():
            folds.discard_stages(folder)
            raise FoldshipError(
                f"{card.name} fold {number}: training diverged, its predictions are not finite",
                expected="finite predictions",
                found=f"{(~np.isfinite(outputs)).sum()} that are not",
                fix="lower encoder_lr and head_lr, or set precision: fp32, and train again",
            )
        table = pd.DataFrame(outputs, columns=list(task.TARGETS))
        table.insert(0, task.ID, material.rows[task.ID].to_numpy()[held_out])
        table["fold"] = number
        write_csv(folder / OUT_OF_FOLD, table)
        score = metrics.mean_spearman(truth[held_out], outputs)
        receipts.write(
            folder,
            _inputs(card, number),
            {"fold": number, "score": None if np.isnan(score) else score, "rows": len(learn)},
        )
    folds.discard_stages(folder)
    print(f"{card.name} fold {number}: out-of-fold score {score:.4f}", flush=True)


def _texts(task: Task, *tables: pd.DataFrame) -> list[str]:
    """All distinct texts of the rows, in order."""
    found = [task.texts(table) for table in tables]
    return list(dict.fromkeys(text for texts in found for name in task.TEXTS for text in texts[name] if text))


def _frozen_vectors(folder: Path, card: ModelCard, model: RowModel, data: RowData) -> NDArray[np.float32]:
    """Vectors of all rows' sequences under the untrained encoder, the same for every fold."""
    path = folder / VECTORS
    if not path.is_file():
        vectors = folds.encode(card, model, data, "frozen encoder, once for all folds")
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.save(stream, vectors)
    return np.asarray(np.load(path))


def _make_room(folder: Path, fingerprint: str) -> None:
    """Set aside a model of this name that was trained on something else; bring an earlier one back."""
    if (folder / CARD).is_file():
        old = store.fingerprint(folder)
        if old == fingerprint:
            return
        aside = folder.with_name(f"{folder.name}@{old[:8] or 'unreadable'}")
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        print(f"{folder.name}: trained on other data or settings before; that one is now {aside}", flush=True)
    earlier = folder.with_name(f"{folder.name}@{fingerprint[:8]}")
    if earlier.is_dir():
        earlier.rename(folder)
        print(f"{folder.name}: {earlier.name} was trained on just this; brought back", flush=True)


def _read_oof(folder: Path, task: Task) -> pd.DataFrame:
    return pd.read_csv(folder / OUT_OF_FOLD, dtype={task.ID: str})
