"""What is asked before anything is trained or adopted; all that stands in the way is shown together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pandas as pd
import psutil

from foldship import unpacking
from foldship.cli.context import Context
from foldship.cli.splitting import split
from foldship.preflight import Answers, machine, matching, targets
from foldship_kernel.errors import DataError
from foldship_kernel.tasks import CLASSES

if TYPE_CHECKING:
    from foldship.modelling.store import ModelCard
    from foldship.shipping.settings import KernelConfig
    from foldship.training.pseudo import Unlabelled

Rehearsal = Mapping[str, Any]  # what `simulate.rehearsal_options` gives


@dataclass(frozen=True)
class Asked:
    """What was made on the way, and training needs.

    Attributes:
        folds: id, group and fold of each training row; empty where nobody asked for models.
        drafts: the card of each model that is to be trained.
        unlabelled: rows that models learn from besides.
    """

    folds: pd.DataFrame = field(default_factory=pd.DataFrame)
    drafts: Mapping[str, ModelCard] = field(default_factory=dict)
    unlabelled: Unlabelled | None = None


def ask(context: Context, jobs: int | None = None, rehearsal: Rehearsal | None = None) -> Asked:
    """Ask all that can be known by now: files, settings, models, machine.

    Args:
        context: what is to be trained or adopted.
        jobs: most folds to train at once.
        rehearsal: how it will be rehearsed; None where the command ends before that.

    Raises:
        FoldshipError: something stands in the way. Nothing was trained.
    """
    answers = Answers()
    workspace = context.workspace
    answers.ask(machine.python)
    answers.ask(machine.open_files)
    writable = answers.ask(machine.writable, workspace.weights, workspace.build)
    kernel = _kernel(answers, context)
    rows = files(answers, context, rehearsal)
    if rehearsal is not None:
        _rehearsal(answers, context, kernel, rehearsal)
    asked = Asked()
    # Models read passages, too: their index is not made where it may be in vain.
    if rows is not None and writable and (context.competition.task.retrieval is None or not answers.refusals):
        asked = _models(answers, context)
        _room(answers, context, asked.drafts, jobs, rehearsal)
    if kernel is not None and rehearsal is not None and not answers.refusals:
        _wheels(answers, context, kernel)
    answers.conclude(click.echo)
    return asked


def files(answers: Answers, context: Context, rehearsal: Rehearsal | None = None) -> pd.DataFrame | None:
    """Ask about the competition's files; the training rows, where they can be read."""
    competition = context.competition
    rows = answers.of(lambda: context.plain_rows)
    other = None if rehearsal is None else rehearsal["input_folder"]
    needed = rehearsal is not None and other is None
    answers.ask(matching.match, competition, context.data, rows, needed=needed)
    if other is not None:
        place = other.expanduser(), competition.task.files, context.workspace.unpacked, "INPUT"
        given = answers.of(unpacking.folder, *place)
        if given is not None:
            answers.ask(matching.match, competition, given, rows, needed=True)
    if rows is not None:
        answers.ask(targets.look, competition, rows, context.experiment.folds.count)
    return rows


def unlabelled(context: Context) -> Unlabelled | None:
    """Test rows, where a model learns from them: pseudo-labels need them, a backbone takes what there is."""
    from foldship.training.pseudo import Unlabelled

    models = context.experiment.models.values()
    if not any(model.pseudo_labels or model.adaptation for model in models):
        return None
    try:
        rows = context.with_passages(context.competition.read_unlabelled(context.data))
    except DataError:
        if any(model.pseudo_labels for model in models):
            raise
        return None
    return Unlabelled(rows, context.competition.groups(rows))


def _kernel(answers: Answers, context: Context) -> KernelConfig | None:
    """Settings that bundling reads: known now, and used when all is trained."""
    from foldship import selection
    from foldship.export import candidates
    from foldship.shipping import entry, metadata, settings, wheelhouse

    workspace, experiment = context.workspace, context.experiment
    of_classes = context.competition.task.kind == CLASSES
    answers.of(partial(selection.check, of_classes=of_classes), experiment.postprocess, experiment.blend)
    answers.of(entry.check, workspace.entry)
    kernel = answers.of(settings.load, workspace.experiment / settings.FILE_NAME, experiment.kernel)
    if kernel is not None:
        answers.of(metadata.checked_owner, kernel.owner)
        answers.of(candidates.check, kernel.wanted_engine)
        images = kernel.image_names, workspace.images, kernel.accelerator
        answers.of(wheelhouse.lacking, *images, _libraries(kernel))
    return kernel


def _libraries(kernel: KernelConfig) -> set[str]:
    """Libraries that may have to travel: which engine runs a model is chosen when it is trained."""
    return {"onnxruntime"} if kernel.wanted_engine.startswith("onnxruntime") else {"onnxruntime", "openvino"}


def _rehearsal(answers: Answers, context: Context, kernel: KernelConfig | None, wishes: Rehearsal) -> None:
    """What `simulate` will be told, and whether there is a sandbox for it."""
    from foldship import projection
    from foldship.rehearsal import simulation, trial
    from foldship.shipping import settings

    workspace, name, limit = context.workspace, wishes["profile"], wishes["limit"]
    if kernel is not None:
        where = str(workspace.experiment / settings.FILE_NAME)
        asked_for = kernel.accelerator == "gpu", kernel.machine_shape, where
        name = name or answers.of(projection.profile_of, *asked_for)
        limit = limit or kernel.limit
    if name is not None:
        answers.of(projection.Target.named, name, workspace.profiles)
    if limit is not None:
        answers.of(simulation.check_limits, limit, wishes["memory"])
    sandbox = partial(trial.sandbox, isolation=wishes["isolation"], cpus=wishes["cpus"])
    answers.of(partial(sandbox, memory_gib=wishes["memory"]), workspace.cache)


def _wheels(answers: Answers, context: Context, kernel: KernelConfig) -> None:
    """Whether the wheels can be had. They are fetched to know it, so nothing else may be left to mend."""
    from foldship.shipping import wheelhouse

    workspace = context.workspace
    images = kernel.image_names, workspace.images, kernel.accelerator
    answers.of(wheelhouse.gather, *images, _libraries(kernel), workspace.cache / "wheels")


def _models(answers: Answers, context: Context) -> Asked:
    """Backbones, and the settings of each model against backbone, rows and machine."""
    from foldship.export import support
    from foldship.modelling import backbone
    from foldship.training import disk, prepare

    experiment, weights = context.experiment, context.workspace.weights
    task, score = context.competition.task, context.competition.score
    table = answers.of(split, context)
    there, fitting = _memory(), dict[str, bool]()
    for name in dict.fromkeys(model.backbone for model in experiment.models.values()):
        source = backbone.locate(name, context.workspace.all_weights)
        fitting[name] = answers.ask(machine.memory, f"backbone {name!r}", disk.weights_of(source), there)
    for model in experiment.models.values():
        answers.of(support.check, backbone.locate(model.backbone, context.workspace.all_weights), model)
    refused = len(answers.refusals)
    further = answers.of(unlabelled, context)
    if table is None or len(answers.refusals) > refused:
        return Asked()
    given = prepare.Given(task, experiment, context.rows, table, weights, further, score)
    drafts = {
        name: answers.of(prepare.draft, name, given)
        for name, model in experiment.models.items()
        if fitting[model.backbone]  # a draft loads it
    }
    return Asked(table, {name: card for name, card in drafts.items() if card is not None}, further)


def _memory() -> int:
    """Bytes of memory that this machine has, of all kinds."""
    return int(psutil.virtual_memory().total + psutil.swap_memory().total)


def _room(
    answers: Answers,
    context: Context,
    drafts: Mapping[str, ModelCard],
    jobs: int | None,
    rehearsal: Rehearsal | None,
) -> None:
    """Room on the disks for what these models need, and no more."""
    from foldship.export import room
    from foldship.training import disk, side_by_side

    workspace, folds = context.workspace, context.experiment.folds.count
    cards = {workspace.model(name): card for name, card in drafts.items()}
    at_once = side_by_side.jobs(jobs, folds * len(cards)) if cards else 0
    needs: dict[str, tuple[Path, int]] = {
        "weights and checkpoints": (workspace.weights, disk.needed(cards, folds, at_once))
    }
    if rehearsal is not None:
        sizes = {name: disk.parameters(card) for name, card in drafts.items()}
        made = {name for name in drafts if (workspace.export / name).is_dir()}
        graphs = {name: room.stored(*size, folds) for name, size in sizes.items()}
        working = [room.scratch(size[0], folds) for name, size in sizes.items() if name not in made]
        needs["graphs"] = (workspace.build, sum(graphs[name] for name in drafts if name not in made))
        needs["their checks, or the bundle"] = (
            workspace.build,
            max([sum(graphs.values()), *working], default=0),
        )
    answers.ask(machine.room, needs)
