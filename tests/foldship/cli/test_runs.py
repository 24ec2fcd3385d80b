"""Runs as they are kept after training, and `foldship runs` on them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import exported_models
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner, Result
from declared import KERNELS, QUEST, quest

from foldship import receipts, selection
from foldship.cli import recording
from foldship.cli.context import Context
from foldship.cli.runs import command
from foldship.config import load
from foldship.config.schema import Experiment
from foldship.modelling import store
from foldship.workspace import Workspace
from foldship_kernel.errors import FoldshipError

EXPERIMENT = {
    "competition": quest.name,
    "models": dict.fromkeys(("good", "bad"), exported_models.CONFIG),
}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    workspace = Workspace(tmp_path_factory.mktemp("project"), quest.name)
    declare(workspace.root)
    (workspace.experiment / "recipes").mkdir()
    (workspace.experiment / "experiment.yaml").write_text(yaml.safe_dump(EXPERIMENT))
    rows = exported_models.write_data(workspace.sample)
    for seed, name in enumerate(("good", "bad")):
        exported_models.write_model(
            workspace.model(name), workspace.export / name, rows, folds=3, seed=20 * seed
        )
    experiment = Experiment.model_validate(EXPERIMENT)
    return Context(workspace, QUEST, experiment, "fast", workspace.sample)


@pytest.fixture(scope="module")
def kept(context: Context) -> dict[str, str]:
    """A run of both models, and one of the good model alone; their names."""
    names = {}
    for recipe, models in (("both", ("good", "bad")), ("alone", ("good",))):
        settings = {**EXPERIMENT, "seed": 7, "models": dict.fromkeys(models, exported_models.CONFIG)}
        experiment = Experiment.model_validate(settings)
        here = Context(context.workspace, QUEST, experiment, recipe, context.data)
        oof = {name: store.out_of_fold(path, quest.id) for name, path in here.models.items()}
        groups = QUEST.groups(here.rows)
        selection.run(here.truth, oof, here.workspace.selection, QUEST.rare, groups=groups)
        receipts.write(here.workspace.selection, recipe, {})
        chosen = json.loads((here.workspace.selection / selection.FILE_NAME).read_text())
        names[recipe] = recording.keep(here, chosen, {"training": 60.0, "selection": 1.25}).name
    return names


def declare(root: Path) -> None:
    """A project with QUEST's declaration."""
    (root / "kernels" / "quest").mkdir(parents=True)
    (root / "kernels" / "quest" / "competition.yaml").write_bytes(
        (KERNELS / "quest" / "competition.yaml").read_bytes()
    )


def call(context: Context, *arguments: str) -> Result:
    environment = {"FOLDSHIP_ROOT": str(context.workspace.root), "COLUMNS": "250"}
    return CliRunner().invoke(command, arguments, env=environment, catch_exceptions=False)


def test_the_list_shows_the_best_run_first(context: Context, kept: dict[str, str]) -> None:
    output = call(context).output
    assert output.index(kept["alone"]) < output.index(kept["both"])
    for shown in ("both", "good, bad", "data", "nested 30", "raw 29"):
        assert shown in output


@pytest.mark.parametrize("columns", ["80", "100"])
def test_on_a_narrow_terminal_no_name_is_cut_off(
    columns: str, context: Context, kept: dict[str, str]
) -> None:
    environment = {"FOLDSHIP_ROOT": str(context.workspace.root), "COLUMNS": columns}
    for arguments in ([], ["--against", "both", "--resamples", "5"]):
        output = CliRunner().invoke(command, arguments, env=environment, catch_exceptions=False).output
        assert "…" not in output
        lines = output.splitlines()
        assert max(map(len, lines)) <= int(columns)


def test_in_a_file_no_line_is_wrapped(
    context: Context, kept: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    environment = {"FOLDSHIP_ROOT": str(context.workspace.root)}
    output = CliRunner().invoke(command, [], env=environment, catch_exceptions=False).output
    assert any(name in line and "good, bad" in line for line in output.splitlines() for name in kept.values())


def test_a_list_without_runs_names_the_command(tmp_path: Path) -> None:
    declare(tmp_path)
    result = CliRunner().invoke(command, [], env={"FOLDSHIP_ROOT": str(tmp_path)}, catch_exceptions=False)
    assert "make train" in result.output


def test_two_runs_are_compared_on_resamples(context: Context, kept: dict[str, str]) -> None:
    both, alone = (kept[name][:6] for name in ("both", "alone"))
    output = call(context, "--compare", both, alone, "--resamples", "20", "--rows", "50").output
    for shown in (
        "raw, all rows",
        "one row of each group",
        "50 rows",
        "post-processed, nested",
        "20 resamples",
    ):
        assert shown in output
    lines = [line.split() for line in output.splitlines() if line.strip().startswith("raw, all rows")]
    assert [line[3] for line in lines] == ["30", "29"]
    assert [line[-1] for line in lines] == [">0.950", ">0.950"]


def test_every_other_run_is_set_against_one(context: Context, kept: dict[str, str]) -> None:
    output = call(context, "--against", "both", "--resamples", "20").output
    rows = [line.split() for line in output.splitlines() if kept["alone"] in line or kept["both"] in line]
    alone, itself = rows[-2:]
    assert alone[:2] == ["alone", kept["alone"]] and alone[-1] == ">0.950"
    assert itself[:3] == ["both", "itself", kept["both"]]
    assert float(alone[4]) == pytest.approx(float(alone[2]) - float(itself[3]), abs=1e-4)
    assert "20 resamples" in output


def test_what_one_fold_predicts_above_another_does_not_count(
    context: Context, kept: dict[str, str], tmp_path: Path
) -> None:
    """A run with a shift in one fold, and one whose folds have other numbers, are as good as without."""
    moved = Workspace(tmp_path, quest.name)
    shutil.copytree(context.workspace.runs, moved.runs)
    declare(tmp_path)
    for name, change in (("aaaa", lambda table: table.fold == 1), ("bbbb", lambda table: table.fold < 0)):
        folder = moved.runs / name
        shutil.copytree(moved.runs / kept["both"], folder)
        table = pd.read_csv(folder / "oof.csv", dtype={quest.id: str})
        table.loc[change(table), list(quest.targets)] += 0.3
        if name == "bbbb":
            table["fold"] = table["fold"] + 10 * (table["fold"] == 1)
            table.to_csv(folder / "nested.csv", index=False)
        table.to_csv(folder / "oof.csv", index=False)
    shifted, renumbered = (
        CliRunner().invoke(
            command,
            ["--compare", kept["both"], name, "--resamples", "20"],
            env={"FOLDSHIP_ROOT": str(tmp_path), "COLUMNS": "250"},
            catch_exceptions=False,
        )
        for name in ("aaaa", "bbbb")
    )
    for output in (shifted.output, renumbered.output):
        lines = [line.split() for line in output.splitlines() if line.strip().startswith("raw, all rows")]
        assert [line[6] for line in lines] == ["+0.0000", "+0.0000"]
        assert [line[-1] for line in lines] == ["0.500", "0.500"]
    assert "post-processed scores are not compared: the runs have different folds" in renumbered.output


def test_a_run_alone_cannot_be_set_against_others(
    context: Context, kept: dict[str, str], tmp_path: Path
) -> None:
    declare(tmp_path)
    runs = Workspace(tmp_path, quest.name).runs
    shutil.copytree(context.workspace.runs, runs)
    shutil.rmtree(runs / kept["alone"])
    with pytest.raises(FoldshipError, match="nothing to set against"):
        CliRunner().invoke(
            command, ["--against", "both"], env={"FOLDSHIP_ROOT": str(tmp_path)}, catch_exceptions=False
        )


def test_two_questions_at_once_are_refused(context: Context) -> None:
    result = call(context, "--against", "a", "--show", "b")
    assert result.exit_code == 2 and "ask one" in result.output


def test_a_run_is_shown_as_a_recipe_that_repeats_it(context: Context, kept: dict[str, str]) -> None:
    output = call(context, "--show", kept["alone"], "--data", str(context.data)).output
    assert "# code: as it was" in output
    assert "# data: as it was" in output
    (context.workspace.experiment / "recipes" / "again.yaml").write_text(output)
    again = load.load(context.workspace.experiment, "again")
    assert list(again.models) == ["good"]
    assert again.seed == 7


def test_what_changed_since_is_said(context: Context, kept: dict[str, str]) -> None:
    path = context.workspace.runs / kept["both"] / "run.json"
    before = path.read_text()
    facts = json.loads(before)
    facts["code"]["foldship/metrics.py"] = "other"
    facts["versions"]["numpy"] = "1.0"
    facts["trained"]["good"]["fingerprint"] = "other"
    try:
        path.write_text(json.dumps(facts))
        output = call(context, "--show", kept["both"]).output
    finally:
        path.write_text(before)
    assert "1 files differ: foldship/metrics.py" in output
    assert "numpy 1.0, now" in output
    assert "weights of good: overwritten" in output
    assert "data: not compared" in output


def test_an_unknown_run_is_refused(context: Context, kept: dict[str, str]) -> None:
    for arguments in (["--show", "zzz"], ["--compare", kept["both"], "zzz"]):
        with pytest.raises(FoldshipError, match="there is no run 'zzz'"):
            call(context, *arguments)
