"""`foldship adopt`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import click

from foldship.cli.asking import ask
from foldship.cli.context import Context, open_context, open_workspace
from foldship.cli.declaring import declared
from foldship.config.adopting import Meaning
from foldship_kernel.errors import FoldshipError

RECIPE = "adopted"


@click.command()
@click.option("--competition", default="quest", show_default=True, help="Which competition.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder with the competition's own files.  [default: generated sample data]",
)
@click.option(
    "--recipe",
    default=RECIPE,
    show_default=True,
    help="The recipe that the model is written into, made where it is missing.",
)
@click.option("--model", "name", help="What to call the model.")
@click.option(
    "--oof", type=click.Path(path_type=Path), help="Its out-of-fold predictions: CSV or Parquet, any layout."
)
@click.option(
    "--texts",
    help="The competition's texts that it reads, in its order: title,body.  [default: all, if one or two]",
)
@click.option(
    "--max-tokens",
    type=click.IntRange(min=8),
    help="Longest sequence that it was trained with.  [default: as its tokenizer says]",
)
@click.option(
    "--output",
    type=click.Choice(get_args(Meaning)),
    help="What its numbers are: a logit; a value in the target's units; a share of the range, or a "
    "probability; a signed_share, from -1 to 1.  [default: as its config.json says]",
)
@click.option(
    "--labels", help="The competition's name of each output, in its order: yes,no.  [default: its id2label]"
)
@click.option(
    "--tokenizer",
    type=click.Path(path_type=Path),
    help="Folder or tokenizer.json, where there is none beside the model.",
)
@click.option(
    "--base",
    help="Of adapters: the base that they were trained on, where it is here: a folder, or a name in "
    "weights/backbones.  [default: as their adapter_config.json says]",
)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
def command(
    competition: str,
    data: Path | None,
    recipe: str,
    name: str | None,
    sources: tuple[str, ...],
    **options: Any,
) -> None:
    """Take models that were trained elsewhere, so that they are exported, bundled and pushed like one's own.

        foldship adopt --competition reviews --data DIR --model deberta runs/fold* --oof oof.csv

        foldship bundle --competition reviews --data DIR --recipe adopted

    Each SOURCE is one fold, in order; or a single one holds them all. What they are is told by their files:
    a folder saved by save_pretrained with a classification head, a PEFT adapter of one, a
    sentence-transformers model (whose cosine is the prediction), or an .onnx file of logits.

    What is stated here is written into kernels/<competition>/recipes/<recipe>.yaml, which can be edited.
    Without --model and SOURCE all models that the recipe declares are adopted.
    """
    if bool(name) != bool(sources):
        raise click.UsageError("--model and SOURCE go together: foldship adopt --model NAME SOURCE ...")
    if name:
        workspace = open_workspace(competition)
        with declared(workspace, recipe, name, stated(workspace.root, sources, options)):
            context = open_context(competition, data, recipe)
            ask(context)
            adopt(context)
    elif any(value is not None for value in options.values()):
        raise click.UsageError("the options are about one model: name it with --model, and its SOURCE")
    else:
        context = open_context(competition, data, recipe)
        if not context.experiment.adopted:
            raise FoldshipError(
                f"recipe {recipe!r} declares no model that was trained elsewhere",
                expected="models under `adopted`, or --model NAME SOURCE ...",
                fix="name one: foldship adopt --model NAME SOURCE ...; docs/adopting.md tells more",
            )
        ask(context)
        adopt(context)
    where = f" --data {data}" if data else ""
    click.echo(f"now: foldship bundle --competition {competition}{where} --recipe {recipe}")


def adopt(context: Context) -> None:
    """Adopt what the experiment declares, and say what was recognised; what is there already is kept."""
    if not context.experiment.adopted:
        return
    from foldship import adoption
    from foldship.cli.splitting import split
    from foldship.export import support
    from foldship.modelling import adopted

    workspace = context.workspace
    task, rows = context.competition.task, context.rows
    given = adoption.Given(task, rows, split(context), workspace.weights, workspace.root)
    for name, settings in context.experiment.adopted.items():
        for note in adoption.run(name, settings, given):
            click.echo(f"{name}: {note}")
        card = adopted.load_card(workspace.model(name))
        if card.kind == adopted.ONNX:
            continue
        try:
            support.check(card.source, tokens=card.encoding.longest)
        except FoldshipError as error:
            raise FoldshipError(
                f"{name}: a network of this architecture cannot be exported",
                found=error.found,
                fix="export it where it was trained, `optimum-cli export onnx --task text-classification`, "
                "and adopt the graph: it runs as it is, without fused attention",
            ) from error


def stated(root: Path, sources: tuple[str, ...], options: Mapping[str, Any]) -> dict[str, Any]:
    """What the command line says about a model, as a recipe holds it; paths from the project's root on."""
    value: dict[str, Any] = {"folds": [_place(Path(source), root) for source in sources]}
    for key, given in options.items():
        if given is not None:
            is_path = isinstance(given, Path) or (key == "base" and Path(given).expanduser().exists())
            value[key] = _place(Path(given), root) if is_path else given
    for key in ("texts", "labels"):
        if key in value:
            value[key] = [part.strip() for part in value[key].split(",")]
    return value


def _place(path: Path, root: Path) -> str:
    whole = Path.cwd() / path.expanduser()
    return str(whole.relative_to(root) if whole.is_relative_to(root) else whole)
