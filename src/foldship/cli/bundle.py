"""`foldship bundle`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from foldship.cli.context import Context, open_context, shared_options

PARITY_ROWS = 64  # rows of all lengths on which every rung of the parity ladder is compared


@click.command()
@shared_options
def command(competition: str, data: Path | None, recipe: str) -> None:
    """Merge, export and bundle the trained folds into one offline kernel.

    Exports every fold to ONNX behind a ladder of parity checks, and writes build/<competition>/kernel and
    build/<competition>/dataset, ready for `kaggle datasets create` and `kaggle kernels push`.
    """
    bundle(open_context(competition, data, recipe))


def bundle(context: Context) -> None:
    """Selection, export and schedule, skipped where nothing they read has changed, then the bundle."""
    from foldship import export, naming
    from foldship.cli.scheduling import schedule
    from foldship.cli.selecting import select
    from foldship.modelling import costs, reading, store
    from foldship.reporting import tables, terminal
    from foldship.shipping import bundle as shipping
    from foldship.shipping import settings

    workspace, task = context.workspace, context.competition.task
    kernel = settings.load(workspace.experiment / settings.FILE_NAME, context.experiment.kernel)
    select(context)
    exported, costs_of = {}, {}
    for name, folder in context.models.items():
        card = store.load_card(folder)
        encoded, features = reading.read_rows(
            context.rows, task, folder / store.TOKENIZER, card.encoding, card.features
        )
        costs_of[name] = costs.cost(card.source, encoded.lengths, len(encoded.index))
        chosen = reading.of_all_lengths(encoded, PARITY_ROWS)
        exported[name] = workspace.export / name
        export.run(
            folder,
            store.folds(folder),
            encoded.take(chosen),
            features[chosen],
            exported[name],
            cpu_engine=kernel.wanted_engine,
            held_out=export.held_out(
                export.Rows(encoded, features), context.truth, store.out_of_fold(folder, task.ID), task
            ),
        )
    parities = [json.loads((folder / "parity.json").read_text()) for folder in exported.values()]
    terminal.show(tables.parity(parities))
    summaries = {name: json.loads((folder / "export.json").read_text()) for name, folder in exported.items()}
    terminal.show(tables.cpu_engines(summaries))
    terminal.show(tables.score_against_time(schedule(context, exported, costs_of)))
    built = shipping.build(
        exported,
        context.models,
        workspace.selection / "selection.json",
        workspace.schedule / "schedule.json",
        kernel,
        context.competition.name,
        workspace.build,
        main_template=workspace.entry,
        own_images=workspace.images,
    )
    terminal.show(tables.wheelhouse(built["wheelhouse"]))
    terminal.show(tables.sizes(json.loads((workspace.dataset / "bundle.json").read_text())))
    if built["owner"] == naming.UNKNOWN_OWNER:
        click.echo(
            "note: no Kaggle user name is known; before a push set KAGGLE_USERNAME, or owner in kernel.yaml, "
            "and bundle again"
        )
