"""The recipe that `adopt` writes, and predictions of models that have other folds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import elsewhere
import exported_models
import numpy as np
import pandas as pd
import pytest
import transformers
import yaml
from click.testing import CliRunner

from foldship import adoption, folds
from foldship.adoption import Given
from foldship.cli import adopt, out_of_fold
from foldship.cli.context import Context
from foldship.cli.declaring import declared
from foldship.cli.main import program
from foldship.config import load
from foldship.config.schema import Experiment
from foldship.workspace import Workspace
from foldship_kernel.errors import FoldshipError

ROOT = Path(__file__).resolve().parents[3]
OWN = {
    "backbone": "any",
    "towers": [{"segments": ["title"], "max_tokens": 16}],
    "stages": [{"train": "head", "epochs": 1, "head_lr": 0.01}],
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    elsewhere.competition(tmp_path / "kernels")
    experiment = {"competition": "small", "models": {"own": OWN}}
    (tmp_path / "kernels" / "small" / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    kernel = {"title": "Foldship Small", "dataset_title": "Foldship Small Bundle", "competition": "small"}
    (tmp_path / "kernels" / "small" / "kernel.yaml").write_text(yaml.safe_dump(kernel))
    (tmp_path / "kernels" / "main.py").write_bytes((ROOT / "kernels" / "main.py").read_bytes())
    return Workspace(tmp_path, "small")


def test_a_recipe_holds_the_adopted_models_alone(workspace: Workspace) -> None:
    for name in ("one", "two"):
        with declared(workspace, "adopted", name, {"folds": [f"runs/{name}"], "output": "share"}):
            pass
    with declared(workspace, "adopted", "one", {"folds": ["runs/better"]}):
        pass
    experiment = load.load(workspace.experiment, "adopted")
    assert experiment.names == ["one", "two"] and not experiment.models
    assert experiment.adopted["one"].folds == ("runs/better",)
    assert experiment.adopted["two"].output == "share"


def test_what_was_changed_in_it_stays(workspace: Workspace) -> None:
    with declared(workspace, "adopted", "one", {"folds": ["x"]}):
        pass
    path = workspace.experiment / "recipes" / "adopted.yaml"
    path.write_text(path.read_text().replace("models: null\n", "blend: {method: greedy}\n"))
    with declared(workspace, "adopted", "two", {"folds": ["y"]}):
        pass
    experiment = load.load(workspace.experiment, "adopted")
    assert experiment.names == ["own", "one", "two"]
    assert experiment.blend.method == "greedy"


def test_a_failure_leaves_the_recipe_as_it_was(workspace: Workspace) -> None:
    path = workspace.experiment / "recipes" / "adopted.yaml"
    with pytest.raises(KeyError), declared(workspace, "adopted", "one", {"folds": ["x"]}):
        raise KeyError
    assert not path.exists()
    with declared(workspace, "adopted", "one", {"folds": ["x"]}):
        pass
    before = path.read_text()
    with pytest.raises(KeyError), declared(workspace, "adopted", "two", {"folds": ["y"]}):
        raise KeyError
    assert path.read_text() == before


def test_a_recipe_written_by_hand_is_left_alone(workspace: Workspace) -> None:
    path = workspace.experiment / "recipes" / "mine.yaml"
    path.parent.mkdir()
    path.write_text("# mine\nseed: 3\n")
    with (
        pytest.raises(FoldshipError, match=r"written by hand(.|\n)*adopted:\n  one:\n    folds:\n    - x"),
        declared(workspace, "mine", "one", {"folds": ["x"]}),
    ):
        pass
    assert path.read_text() == "# mine\nseed: 3\n"


def test_options_become_settings_with_paths_from_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path / "runs")
    options = {"oof": Path("oof.csv"), "texts": "title, body", "max_tokens": 64, "output": None}
    assert adopt.stated(tmp_path, ("fold0", "/elsewhere/fold1"), options) == {
        "folds": ["runs/fold0", "/elsewhere/fold1"],
        "oof": "runs/oof.csv",
        "texts": ["title", "body"],
        "max_tokens": 64,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "one"], "go together"),
        (["runs/fold0"], "go together"),
        (["--max-tokens", "64"], "the options are about one model"),
    ],
)
def test_options_that_lack_their_model_are_explained(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(program, ["adopt", *arguments])
    assert result.exit_code == click.UsageError.exit_code and message in result.output


def test_a_recipe_without_adopted_models_is_explained(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLDSHIP_ROOT", str(workspace.root))
    path = workspace.experiment / "recipes" / "plain.yaml"
    path.parent.mkdir()
    path.write_text("{}\n")
    with pytest.raises(FoldshipError, match="declares no model that was trained elsewhere"):
        CliRunner().invoke(
            program,
            ["adopt", "--competition", "small", "--recipe", "plain", "--data", str(workspace.root)],
            catch_exceptions=False,
        )


def test_an_architecture_that_cannot_be_exported_is_adopted_as_a_graph_instead(
    workspace: Workspace, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_backbone)
    sizes = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": 64}
    config = transformers.DistilBertConfig(vocab_size=len(tokenizer), num_labels=1, **sizes)
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    for part in (model, tokenizer):
        part.save_pretrained(workspace.root / "other")
    elsewhere.texts(20).assign(rating=np.linspace(-1, 1, 20)).to_csv(
        workspace.root / "train.csv", index=False
    )
    monkeypatch.setenv("FOLDSHIP_ROOT", str(workspace.root))
    monkeypatch.chdir(workspace.root)
    where = ["--competition", "small", "--data", "."]
    with pytest.raises(FoldshipError, match=r"cannot be exported(.|\n)*distilbert(.|\n)*adopt the graph"):
        CliRunner().invoke(program, ["adopt", *where, "--model", "one", "other"], catch_exceptions=False)
    assert not list((workspace.experiment / "recipes").iterdir())


def context(root: Path, backbone: Path, numbered: dict[str, np.ndarray | None]) -> Context:
    """Models whose out-of-fold files have these folds, None for none."""
    competition = elsewhere.competition(root / "kernels")
    rows = elsewhere.texts(60).assign(rating=np.random.default_rng(0).uniform(-5, 5, 60))
    table = folds.make(rows["key"], competition.groups(rows), rows[["rating"]], 2, 0)
    (root / "data").mkdir()
    rows.to_csv(root / "data" / "train.csv", index=False)
    workspace = Workspace(root, "small")
    given = Given(competition.task, rows, table, workspace.weights, root)
    elsewhere.classifier(root / "fold0", backbone)
    elsewhere.classifier(root / "fold1", backbone, seed=1)
    declared: dict[str, Any] = {}
    for name, own in numbered.items():
        oof = pd.DataFrame({"key": rows["key"], "rating": np.linspace(-1, 1, 60)})
        if own is not None:
            oof["fold"] = own
        oof.to_csv(root / f"{name}.csv", index=False)
        declared[name] = {"folds": ["fold0", "fold1"], "oof": f"{name}.csv"}
    experiment = Experiment.model_validate({"competition": "small", "adopted": declared})
    for name, settings in experiment.adopted.items():
        adoption.run(name, settings, given)
    return Context(workspace, competition, experiment, "adopted", root / "data")


def test_models_with_other_folds_are_scored_by_those_of_the_first(
    tmp_path: Path, tiny_backbone: Path
) -> None:
    first, other = np.arange(60) % 2, np.arange(60) // 30
    here = context(tmp_path, tiny_backbone, {"unknown": None, "first": first, "other": other, "same": first})
    tables, notes = out_of_fold.read(here)
    assert all(table is not None and (table["fold"] == first).all() for table in tables.values())
    assert [note.split()[0] for note in notes] == ["unknown", "other"]
    assert all("than first: scores are by those of the latter" in note for note in notes)


def test_models_trained_here_lead(tmp_path: Path, tiny_backbone: Path) -> None:
    here = context(tmp_path, tiny_backbone, {"other": np.arange(60) // 30})
    own = np.arange(60) % 3
    folder = here.workspace.model("own")
    folder.mkdir()
    table = pd.DataFrame({"key": here.rows["key"], "rating": 0.5, "fold": own})
    table.to_csv(folder / "oof.csv", index=False)
    mixed = here.experiment.model_copy(update={"models": {"own": exported_models.CONFIG}})
    tables, notes = out_of_fold.read(Context(here.workspace, here.competition, mixed, "mixed", here.data))
    assert all(table is not None and (table["fold"] == own).all() for table in tables.values())
    assert notes == ["other was trained on other folds than own: scores are by those of the latter"]


def test_a_base_is_a_folder_or_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project" / "bases" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project" / "bases")
    for given, stated in (("mine", "bases/mine"), ("theirs", "theirs"), (str(tmp_path), str(tmp_path))):
        assert adopt.stated(tmp_path / "project", (), {"base": given}) == {"folds": [], "base": stated}
