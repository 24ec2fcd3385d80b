from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fold_runner
import numpy as np
import pandas as pd
import psutil
import pytest

from foldship.config.objective import PseudoLabels
from foldship.modelling import store
from foldship.training import run
from foldship_kernel.tasks import quest

RUNNER = Path(fold_runner.__file__)
TARGETS = list(quest.TARGETS)


def start(backbone: Path, weights: Path, kind: str, log: Path, jobs: int = 1) -> subprocess.Popen[bytes]:
    with log.open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, str(RUNNER), str(backbone), str(weights), kind, str(jobs)],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )


def wait_for(pattern: str, folder: Path, process: subprocess.Popen[bytes]) -> None:
    while not list(folder.glob(pattern)):
        assert process.poll() is None, f"ended before {pattern} was there"
        time.sleep(0.01)  # a poll: nothing tells of a file that appears


@pytest.fixture(scope="module")
def uninterrupted(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    fold_runner.train(tiny_backbone, folder / "quest", "adapter")
    return folder / "quest" / "tiny"


def test_kill_and_run_again_gives_what_an_uninterrupted_run_gives(
    tiny_backbone: Path, uninterrupted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, log = tmp_path / "quest", tmp_path / "log"
    process = start(tiny_backbone, weights, "adapter", log)
    wait_for("tiny/fold1/stage1/checkpoint-*/whole", weights, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    fold_runner.train(tiny_backbone, weights, "adapter")
    text = capsys.readouterr().out
    assert "fold 0: finished before, kept" in text
    assert "fold 1: going on from stage 1, checkpoint-" in text
    resumed = pd.read_csv(weights / "tiny" / "oof.csv")
    whole = pd.read_csv(uninterrupted / "oof.csv")
    np.testing.assert_allclose(resumed[TARGETS], whole[TARGETS], atol=1e-5)


def test_folds_side_by_side_survive_a_kill_and_give_what_folds_in_turn_give(
    tiny_backbone: Path, uninterrupted: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    weights, log = tmp_path / "quest", tmp_path / "log"
    process = start(tiny_backbone, weights, "adapter", log, jobs=2)
    wait_for("tiny/fold*/stage1/checkpoint-*/whole", weights, process)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not psutil.wait_procs(children, timeout=60)[1]
    fold_runner.train(tiny_backbone, weights, "adapter", jobs=2)
    text = "".join(capfd.readouterr())
    assert "2 folds side by side, 1 threads each" in text
    assert "going on from stage 1, checkpoint-" in text
    assert all(f"tiny fold {fold}, stage 2, head: 100%" in text for fold in (0, 1))
    assert "batch/s" not in text  # bars of two processes would mix
    pd.testing.assert_frame_equal(
        pd.read_csv(weights / "tiny" / "oof.csv"), pd.read_csv(uninterrupted / "oof.csv")
    )


def test_a_finished_model_is_kept_as_it_is(
    tiny_backbone: Path, uninterrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in uninterrupted.glob("fold*/model.safetensors")}
    fold_runner.train(tiny_backbone, uninterrupted.parent, "adapter")
    assert capsys.readouterr().out.count("finished before, kept") == 2
    assert {path: path.stat().st_mtime_ns for path in uninterrupted.glob("fold*/model.safetensors")} == before


def test_other_settings_set_the_earlier_model_aside_and_bring_it_back(
    tiny_backbone: Path, uninterrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = (uninterrupted / "oof.csv").read_bytes()
    fold_runner.train(tiny_backbone, uninterrupted.parent, "full")
    assert "trained on other data or settings before" in capsys.readouterr().out
    fold_runner.train(tiny_backbone, uninterrupted.parent, "adapter")
    assert "brought back" in capsys.readouterr().out
    assert (uninterrupted / "oof.csv").read_bytes() == earlier


def test_out_of_fold_table_is_keyed_by_id_and_covers_every_row(uninterrupted: Path) -> None:
    table = pd.read_csv(uninterrupted / "oof.csv")
    assert list(table.columns) == ["qa_id", *TARGETS, "fold"]
    assert sorted(table["qa_id"]) == list(range(120))
    assert table[TARGETS].to_numpy().min() > 0
    assert table[TARGETS].to_numpy().max() < 1
    assert list(uninterrupted.glob("fold*/tensorboard/*/events*"))
    assert not list(uninterrupted.glob("fold*/stage*"))


def test_adapter_folds_hold_adapters_and_head_only(uninterrupted: Path) -> None:
    model = store.load_fold(uninterrupted, 0)
    assert any(".lora_" in name for name in model.state_dict())
    stored = store.load_file(uninterrupted / "fold0" / store.WEIGHTS)
    assert all(".lora_" in name or name.startswith("head.") for name in stored)


def test_folds_of_all_models_wait_in_one_queue_and_a_student_waits_for_its_teacher() -> None:
    (tiny,) = fold_runner.experiment(Path("backbone"), "full").models.values()
    models = dict.fromkeys(("first", "teacher", "last"), tiny)
    assert run._waves(models) == [["first", "teacher", "last"]]
    student = tiny.model_copy(update={"pseudo_labels": PseudoLabels(teacher="teacher")})
    assert run._waves(models | {"student": student, "other": student}) == [
        ["first", "teacher", "last"],
        ["student", "other"],
    ]
