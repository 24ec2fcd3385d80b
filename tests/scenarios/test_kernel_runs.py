"""Built bundles run as the platform runs them: `python main.py` in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny_bundle
from declared import quest
from tiny_bundle import TinyBundle, check_submission, run_kernel, write_input

COMPETITION = "competitions/google-quest-challenge"
DATASET = "datasets/someone/tiny-bundle"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> TinyBundle:
    return tiny_bundle.build(tmp_path_factory.mktemp("bundle"), models={"first": 2, "second": 1})


@pytest.fixture
def dataset(bundle: TinyBundle, tmp_path: Path) -> Path:
    """A copy of the dataset at its mount point, as uploaded: without the upload's own metadata."""
    folder = tmp_path / "input" / DATASET
    shutil.copytree(bundle.dataset, folder)
    (folder / "dataset-metadata.json").unlink()
    return folder


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    return tmp_path / "input"


@pytest.fixture
def working(tmp_path: Path) -> Path:
    return tmp_path / "working"


def journal(working: Path) -> dict:
    return json.loads((working / "foldship.json").read_text())


def test_a_whole_bundle_scores_awkward_rows(
    bundle: TinyBundle, dataset: Path, inputs: Path, working: Path
) -> None:
    rows = 12
    answers = [None, "x" * 300_000, "", "\U0001f600 &lt;b&gt;", *["word " * row for row in range(4, rows)]]
    competition = write_input(
        inputs / COMPETITION / "nested",
        rows,
        shuffled=True,
        answer=answers,
        category=["UNHEARD OF", None, *["SCIENCE"] * (rows - 2)],
        host=["nowhere.example", None, *["stackoverflow.com"] * (rows - 2)],
    )
    working.mkdir()
    (working / "submission.csv").write_text("from an earlier run")
    (working / "numpy.py").write_text("raise RuntimeError('modules lying about must not be imported')")
    result = run_kernel(bundle.kernel, inputs, working)
    assert result.returncode == 0, result.stdout + result.stderr
    check_submission(working, competition)
    facts = journal(working)
    assert facts["status"] == "complete"
    assert facts["folds_used"] == ["second fold 0", "first fold 0", "first fold 1"]
    assert facts["folds_left_out"] == {}
    assert {"start", "read", "encode", "load", "predict", "write"} <= facts["phases"].keys()
    assert sorted(path.name for path in working.iterdir()) == ["foldship.json", "numpy.py", "submission.csv"]


def test_a_flipped_bit_costs_one_fold_only(
    bundle: TinyBundle, dataset: Path, inputs: Path, working: Path
) -> None:
    competition = write_input(inputs / COMPETITION)
    weights = dataset / "models" / "first" / "head-fold1.bin"
    content = bytearray(weights.read_bytes())
    content[100] ^= 1
    weights.write_bytes(content)
    result = run_kernel(bundle.kernel, inputs, working)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "SHA-256" in result.stdout and "head-fold1.bin" in result.stdout
    check_submission(working, competition)
    assert journal(working)["status"] == "partial"
    assert list(journal(working)["folds_left_out"]) == ["first fold 1"]


def test_without_any_whole_fold_the_fallback_stands_and_the_exit_says_so(
    bundle: TinyBundle, dataset: Path, inputs: Path, working: Path
) -> None:
    competition = write_input(inputs / COMPETITION)
    for weights in dataset.glob("models/*/weights.bin"):
        os.truncate(weights, weights.stat().st_size // 2)
    result = run_kernel(bundle.kernel, inputs, working)
    assert result.returncode == 1
    assert "weights.bin" in result.stdout and "make bundle" in result.stdout
    check_submission(working, competition)
    assert journal(working)["status"] == "fallback"


def test_when_time_is_up_there_is_a_submission(
    bundle: TinyBundle, dataset: Path, inputs: Path, working: Path
) -> None:
    competition = write_input(inputs / COMPETITION, 300, shuffled=True)
    result = run_kernel(bundle.kernel, inputs, working, FOLDSHIP_LIMIT_S="0.5")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "TIME IS UP" in result.stdout
    check_submission(working, competition)
    assert journal(working)["status"] == "fallback"


@pytest.mark.parametrize("limit_s", [2, 4])
def test_folds_that_hang_are_stopped_below_the_limit_and_named(
    bundle: TinyBundle, dataset: Path, inputs: Path, working: Path, limit_s: int
) -> None:
    competition = write_input(inputs / COMPETITION)
    code = dataset / "code" / "foldship_kernel" / "predict.py"
    code.write_text("import time\ntime.sleep(100)\n")
    kernel = rebound(bundle, dataset, working.parent / "kernel")
    result = run_kernel(kernel, inputs, working, FOLDSHIP_LIMIT_S=str(limit_s))
    assert result.returncode == 0, result.stdout + result.stderr
    check_submission(working, competition)
    facts = journal(working)
    assert facts["seconds"] < limit_s
    assert set(facts["folds_left_out"]) == {"second fold 0", "first fold 0", "first fold 1"}
    assert all(why.startswith("no time") for why in facts["folds_left_out"].values())


def test_one_row_of_nothing(bundle: TinyBundle, dataset: Path, inputs: Path, working: Path) -> None:
    nothing = {name: [None] for name in quest.texts}
    competition = write_input(inputs / COMPETITION, 1, **nothing)
    result = run_kernel(bundle.kernel, inputs, working)
    assert result.returncode == 0, result.stdout + result.stderr
    check_submission(working, competition)


def test_rows_that_are_all_empty_get_no_constant_column(
    bundle: TinyBundle, dataset: Path, inputs: Path, working: Path
) -> None:
    nothing = {name: [None] * 7 for name in quest.texts}
    competition = write_input(inputs / "google-quest-challenge", 7, **nothing)
    result = run_kernel(bundle.kernel, inputs, working)
    assert result.returncode == 0, result.stdout + result.stderr
    check_submission(working, competition)
    assert any("constant" in note for note in journal(working)["postprocess_notes"])


def test_a_worker_that_is_killed_leaves_the_best_submission(
    bundle: TinyBundle, dataset: Path, inputs: Path, working: Path
) -> None:
    competition = write_input(inputs / COMPETITION)
    # As the kernel would be when memory runs out: the worker gone, without a word.
    code = dataset / "code" / "foldship_kernel" / "predict.py"
    code.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    kernel = rebound(bundle, dataset, working.parent / "kernel")
    result = run_kernel(kernel, inputs, working)
    assert result.returncode == 1
    assert "SIGKILL" in result.stdout
    check_submission(working, competition)


def rebound(bundle: TinyBundle, dataset: Path, folder: Path) -> Path:
    """A kernel that takes the dataset's code as it now is."""
    from foldship.shipping import entry

    folder.mkdir()
    entry.write(folder, tiny_bundle.TEMPLATE, entry.digest(tiny_bundle.TEMPLATE, dataset / "code"))
    return folder


def test_the_blend_is_the_mean_of_what_the_graphs_say(
    bundle: TinyBundle, dataset: Path, inputs: Path, working: Path
) -> None:
    """The kernel's numbers, computed once more from the folds by hand."""
    from foldship_kernel import manifest
    from foldship_kernel.fold import Fold
    from foldship_kernel.intake import Intake, Reading

    competition = write_input(inputs / COMPETITION, shuffled=True)
    assert run_kernel(bundle.kernel, inputs, working).returncode == 0
    found = check_submission(working, competition).set_index("qa_id")
    rows, _ = quest.read_test(competition)
    expected = np.zeros((len(rows.ids), len(quest.targets)))
    loaded = manifest.load(dataset / "bundle.json")
    weights = loaded.blend_for([model.name for model in loaded.models]).weights
    for model in loaded.models:
        reading = Reading(dataset / model.tokenizer, model.encoding, model.features)
        intake = Intake(quest, rows, [reading])
        for fold in model.folds:
            graphs = Fold(dataset / fold.encoder, dataset / fold.encoder_cpu, dataset / fold.head, gpus=0)
            logits = graphs.predict(intake.encode(reading), intake.features(reading), model.encoding)
            expected += weights[model.name] * quest.outputs(logits) / len(model.folds)
    np.testing.assert_allclose(found.loc[list(rows.ids), list(quest.targets)].to_numpy(), expected, atol=1e-6)
