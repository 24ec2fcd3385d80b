"""`foldship bundle`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from foldship.cli import retrieving
from foldship.cli.context import Context, open_context, shared_options

PARITY_ROWS = 64  # rows of all lengths on which every rung of the parity ladder is compared


@click.command()
@shared_options
@click.option("--check", "checked", is_flag=True, help="Check the bundle in FOLDERS, and build nothing.")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
def command(
    competition: str, data: Path | None, recipe: str, checked: bool, folders: tuple[Path, ...]
) -> None:
    """Merge, export and bundle the trained folds into one offline kernel.

    Exports every fold to ONNX behind a ladder of parity checks, and writes build/<competition>/kernel and
    build/<competition>/dataset, ready for `kaggle datasets create` and `kaggle kernels push`.

    With --check, verifies a bundle that is there, as built or as downloaded: every file by its SHA-256, the
    code against the kernel, and that nothing is in it that must not travel. FOLDERS are the dataset's, and
    those of further parts and of the kernel unless they lie beside it. No experiment or data is needed.
    """
    if checked != bool(folders):
        raise click.UsageError(
            "--check and FOLDERS go together: foldship bundle --check DATASET [KERNEL ...]"
        )
    if checked:
        check(folders)
    else:
        bundle(open_context(competition, data, recipe))


def check(folders: Sequence[Path]) -> None:
    """Check a bundle, show what was found, and end the program with status 1 if anything is wrong."""
    from foldship.reporting import bundle_tables, terminal
    from foldship.shipping import check as checking

    found = checking.check([folder.expanduser().resolve() for folder in folders])
    terminal.show(bundle_tables.bundle_check([asdict(verdict) for verdict in found]))
    if any(verdict.passed is False for verdict in found):
        sys.exit("error: the bundle failed its check: see the table above")


def bundle(context: Context) -> None:
    """Adoption, selection, export and schedule, skipped where nothing they read has changed; the bundle."""
    from foldship import export, naming
    from foldship.cli.account import owned
    from foldship.cli.adopt import adopt
    from foldship.cli.scheduling import schedule
    from foldship.cli.selecting import select
    from foldship.modelling import backbone, library, reading, store
    from foldship.reporting import bundle_tables, tables, terminal
    from foldship.shipping import bundle as shipping
    from foldship.shipping import licences, settings

    workspace, task = context.workspace, context.competition.task
    kernel = settings.load(workspace.experiment / settings.FILE_NAME, context.experiment.kernel)
    adopt(context)
    select(context)
    exported, costs_of, backbones = {}, {}, {}
    for name, folder in context.models.items():
        card = library.load_card(folder)
        # Of an adapted backbone, that which it was made from; of an adopted model, where that is known.
        original = backbone.locate(card.backbone, workspace.all_weights) if card.backbone else card.source
        backbones[name] = licences.Backbone(card.backbone or name, original)
        encoded, features = reading.read_rows(
            context.rows, task, folder / store.TOKENIZER, card.encoding, card.features
        )
        costs_of[name] = card.cost(encoded.lengths, len(encoded))
        chosen = reading.of_all_lengths(encoded, PARITY_ROWS)
        exported[name] = workspace.export / name
        out_of_fold = library.out_of_fold(folder, task.id)
        export.run(
            folder,
            library.folds(folder),
            encoded.take(chosen),
            features[chosen],
            exported[name],
            cpu_engine=kernel.wanted_engine,
            gpu=kernel.accelerator == "gpu",
            held_out=export.held_out(export.Rows(encoded, features), context.truth, out_of_fold, task)
            if out_of_fold is not None and library.knows_held_out(folder)
            else {},
        )
    retrieval = context.competition.declared.retrieval
    if retrieval is not None and retrieval.dense > 0:
        source = backbone.locate(retrieval.backbone, workspace.all_weights)
        backbones[retrieving.NAME] = licences.Backbone(retrieval.backbone, source)
    parities = [json.loads((folder / "parity.json").read_text()) for folder in exported.values()]
    terminal.show(tables.parity(parities))
    summaries = {name: json.loads((folder / "export.json").read_text()) for name, folder in exported.items()}
    terminal.show(tables.cpu_engines(summaries))
    terminal.show(tables.score_against_time(schedule(context, exported, costs_of, kernel.accelerator)))
    built = shipping.build(
        exported,
        context.models,
        workspace.selection / "selection.json",
        workspace.schedule / "schedule.json",
        owned(kernel),
        context.competition.spelt(context.data),
        workspace.build,
        main_template=workspace.entry,
        own_images=workspace.images,
        backbones=backbones,
        index=None if retrieval is None else context.index,
    )
    terminal.show(bundle_tables.wheelhouse(built["wheelhouse"]))
    contents = json.loads((workspace.dataset / "bundle.json").read_text())
    for show in (bundle_tables.sizes, bundle_tables.weights, bundle_tables.licences):
        terminal.show(show(contents))
    for note in built["notes"]:
        click.echo(f"note: {note}")
    if built["parts"] > 1:
        click.echo(
            f"note: the bundle lies in {built['parts']} datasets: {', '.join(contents['parts']['datasets'])}"
        )
    if built["owner"] == naming.UNKNOWN_OWNER:
        click.echo(
            "note: no Kaggle user name is known; before a push set KAGGLE_USERNAME or KAGGLE_API_TOKEN, or "
            "owner in kernel.yaml, and bundle again"
        )
