"""`foldship bundle`."""

from __future__ import annotations

from pathlib import Path

import click

from foldship.cli.context import Context, open_context, shared_options

PARITY_ROWS = 64  # rows of all lengths on which every rung of the parity ladder is compared


@click.command()
@shared_options
def command(competition: str, data: Path | None, recipe: str) -> None:
    """Merge, export and bundle the trained folds into one offline kernel.

    Chooses blend and post-processing on the out-of-fold predictions, exports every fold to ONNX behind a
    ladder of parity checks, and writes build/<competition>/kernel and build/<competition>/dataset, ready for
    `kaggle datasets create` and `kaggle kernels push`. Says which folds are missing if training is not done.
    """
    bundle(open_context(competition, data, recipe))


def select(context: Context) -> None:
    """Blend and post-processing from the out-of-fold predictions, with their honest scores."""
    from foldship import selection
    from foldship.modelling import store

    out_of_fold = {
        name: store.out_of_fold(folder, context.competition.task.ID)
        for name, folder in context.models.items()
    }
    selection.run(
        context.truth,
        out_of_fold,
        context.workspace.selection,
        context.competition.rare,
        minimum_gain=context.experiment.postprocess.minimum_gain,
    )


def bundle(context: Context) -> None:
    """Selection, export, bundle; each is skipped when nothing it reads has changed."""
    from foldship import export
    from foldship.modelling import reading, store
    from foldship.shipping import bundle as shipping
    from foldship.shipping import settings

    workspace, task = context.workspace, context.competition.task
    select(context)
    exported = {}
    for name, folder in context.models.items():
        card = store.load_card(folder)
        encoded, features = reading.read_rows(
            context.rows, task, folder / store.TOKENIZER, card.encoding, card.features
        )
        chosen = reading.of_all_lengths(encoded, PARITY_ROWS)
        exported[name] = workspace.export / name
        export.run(folder, store.folds(folder), encoded.take(chosen), features[chosen], exported[name])
    built = shipping.build(
        exported,
        context.models,
        workspace.selection / "selection.json",
        settings.load(workspace.experiment / settings.FILE_NAME, context.experiment.kernel),
        context.competition.name,
        workspace.build,
        main_template=workspace.entry,
    )
    click.echo(built)
