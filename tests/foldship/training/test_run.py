from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import fold_runner
import numpy as np
import pandas as pd
import psutil
import pytest
import torch
from declared import quest
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel, TrainerState

from foldship.config.objective import PseudoLabels
from foldship.config.selecting import Blending
from foldship.modelling import backbone, lock, store
from foldship.training import objective, run, stage
from foldship.training.data import Collator
from foldship.training.pseudo import Unlabelled
from foldship.training.trainer import MarkWhole
from foldship_kernel.errors import FoldshipError

RUNNER = Path(fold_runner.__file__)
TARGETS = list(quest.targets)


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


class CutError(Exception):
    pass


@pytest.mark.parametrize("step", [2, 12], ids=["in the middle", "at the last step"])
def test_an_average_goes_on_where_it_was(
    step: int, tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off once a checkpoint is whole: at the last one, too, nothing is learnt a second time."""
    fold_runner.train(tiny_backbone, tmp_path / "whole", "full")
    real = MarkWhole.on_save

    def cut(marker: MarkWhole, arguments: Any, state: TrainerState, control: Any, **given: Any) -> None:
        real(marker, arguments, state, control, **given)
        assert state.max_steps in (8, 12)
        if str(arguments.output_dir).endswith("stage1") and state.global_step == step:
            raise CutError

    with monkeypatch.context() as patch, pytest.raises(CutError):
        patch.setattr(MarkWhole, "on_save", cut)
        fold_runner.train(tiny_backbone, tmp_path / "cut", "full")
    fold_runner.train(tiny_backbone, tmp_path / "cut", "full")
    whole, resumed = (pd.read_csv(tmp_path / name / "tiny" / "oof.csv") for name in ("whole", "cut"))
    pd.testing.assert_frame_equal(resumed, whole)


def test_frozen_layers_stay_as_they_are(tiny_backbone: Path, tmp_path: Path) -> None:
    fold_runner.train(tiny_backbone, tmp_path, "full")
    before = backbone.load_encoder(str(tiny_backbone)).state_dict()
    after = store.load_fold(tmp_path / "tiny", 0).encoder.backbone.state_dict()
    moved = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert not any(name.startswith(("embeddings.", "encoder.layer.0.")) for name in moved)
    assert any(name.startswith("encoder.layer.1.") for name in moved)


def test_a_stage_reads_as_much_as_it_is_told_to(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    widest: list[int] = []

    class Watched(Collator):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            widest.append(0)

        def __call__(self, rows: Any) -> dict[str, Any]:
            batch = super().__call__(rows)
            widest[-1] = max(widest[-1], *(part["input_ids"].shape[1] for part in batch["parts"]))
            return batch

    plain = fold_runner.experiment(tiny_backbone, "full")
    encoder_stage = plain.models["tiny"].stages[1]
    short, long = encoder_stage.model_copy(update={"max_tokens": 12}), encoder_stage
    models = {"tiny": plain.models["tiny"].model_copy(update={"stages": (short, long)})}
    monkeypatch.setattr(fold_runner, "experiment", lambda *_: plain.model_copy(update={"models": models}))
    monkeypatch.setattr(stage, "Collator", Watched)
    fold_runner.train(tiny_backbone, tmp_path, "full")
    assert widest[:2] == widest[2:]
    assert widest[0] <= 12 < 40 < widest[1]


def test_what_does_not_fit_the_last_model_is_refused_before_the_first_is_trained(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = fold_runner.experiment(tiny_backbone, "full")
    tiny = plain.models["tiny"]
    stages = (tiny.stages[0], tiny.stages[1].model_copy(update={"freeze_layers": 99}))
    models = {"tiny": tiny, "deep": tiny.model_copy(update={"stages": stages})}
    monkeypatch.setattr(fold_runner, "experiment", lambda *_: plain.model_copy(update={"models": models}))
    with pytest.raises(FoldshipError, match="freeze_layers: 99 does not fit the backbone"):
        fold_runner.train(tiny_backbone, tmp_path, "full")
    assert not list(tmp_path.glob("*/fold*"))
    models["deep"] = models["deep"].model_copy(update={"pseudo_labels": PseudoLabels(teacher="tiny")})
    data = fold_runner.rows(12)
    unlabelled = Unlabelled(data, pd.Series(range(len(data))))
    with pytest.raises(FoldshipError, match="freeze_layers: 99 does not fit the backbone"):
        run.run(
            quest, fold_runner.experiment(tiny_backbone, "full"), data, data, tmp_path, unlabelled=unlabelled
        )
    assert not list(tmp_path.glob("*/fold*"))


def test_a_blend_by_group_is_refused_before_training_where_no_target_belongs_to_the_group(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = fold_runner.experiment(tiny_backbone, "full")
    grouped = plain.model_copy(update={"blend": Blending(group_mean=1.0)})
    monkeypatch.setattr(fold_runner, "experiment", lambda *_: grouped)
    monkeypatch.setattr(fold_runner, "quest", replace(quest, group_targets=()))
    with pytest.raises(FoldshipError, match="group_mean: in this competition no target"):
        fold_runner.train(tiny_backbone, tmp_path, "full")
    assert not list(tmp_path.glob("*/fold*"))


def test_segments_are_not_marked_for_a_backbone_that_does_not_know_them(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = shutil.copytree(tiny_backbone, tmp_path / "backbone")
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**config, "type_vocab_size": 1}))
    (source / "model.safetensors").unlink()
    BertModel(BertConfig.from_pretrained(source)).save_pretrained(source)
    plain = fold_runner.experiment(source, "full")
    models = {"tiny": plain.models["tiny"].model_copy(update={"segment_ids": True})}
    monkeypatch.setattr(fold_runner, "experiment", lambda *_: plain.model_copy(update={"models": models}))
    with pytest.raises(FoldshipError, match=r"tiny\.segment_ids: the backbone does not tell segments apart"):
        fold_runner.train(source, tmp_path / "weights", "full")


def test_a_training_that_diverges_ends_at_once_and_is_not_gone_on_from(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []

    def diverging(*_: Any) -> Any:
        def loss(model: nn.Module, batch: dict[str, Any]) -> tuple[Tensor, Tensor]:
            steps.append(1)
            value = next(p for p in model.parameters() if p.requires_grad).sum()
            return value * (float("nan") if len(steps) > 4 else 1.0), value

        return loss

    with monkeypatch.context() as patch:
        patch.setattr(objective, "build", diverging)
        with pytest.raises(FoldshipError, match="tiny fold 0: training diverged") as failure:
            fold_runner.train(tiny_backbone, tmp_path, "full")
    assert len(steps) == 5
    assert "nan at step 3 of 8" in failure.value.found
    assert not list(tmp_path.glob("tiny/fold0/stage*"))


def test_two_trainings_do_not_share_a_folder(tiny_backbone: Path, tmp_path: Path) -> None:
    with lock.held(tmp_path), pytest.raises(FoldshipError, match="another training is at work") as failure:
        fold_runner.train(tiny_backbone, tmp_path, "full")
    assert f"process {os.getpid()}" in failure.value.found
    with lock.held(tmp_path):
        pass


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
    stored = load_file(uninterrupted / "fold0" / store.WEIGHTS)
    assert all(".lora_" in name or name.startswith("head.") for name in stored)


def test_adapters_are_not_put_on_another_base_than_they_learned_on(
    tiny_backbone: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_backbone, tmp_path / "backbone")
    folder = tmp_path / "competition" / "tiny"
    shutil.copytree(uninterrupted, folder)
    card = json.loads((folder / store.CARD).read_text())
    card["config"]["backbone"] = str(tmp_path / "backbone")
    (folder / store.CARD).write_text(json.dumps(card))
    store.load_fold(folder, 0)
    state = load_file(tmp_path / "backbone" / store.WEIGHTS)
    state["embeddings.word_embeddings.weight"][7] += 0.5
    save_file(state, tmp_path / "backbone" / store.WEIGHTS, {"format": "pt"})
    with pytest.raises(FoldshipError, match="trained on other weights than the backbone has now"):
        store.load_fold(folder, 0)


def test_folds_of_all_models_wait_in_one_queue_and_a_student_waits_for_its_teacher() -> None:
    (tiny,) = fold_runner.experiment(Path("backbone"), "full").models.values()
    models = dict.fromkeys(("first", "teacher", "last"), tiny)
    assert run._waves(models) == [["first", "teacher", "last"]]
    student = tiny.model_copy(update={"pseudo_labels": PseudoLabels(teacher="teacher")})
    assert run._waves(models | {"student": student, "other": student}) == [
        ["first", "teacher", "last"],
        ["student", "other"],
    ]
