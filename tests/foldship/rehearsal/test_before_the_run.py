"""What is wrong before anything runs is said, with the fix."""

from __future__ import annotations

import json
import shutil

import pytest

from foldship.rehearsal import image, mechanisms, room, simulation, table
from foldship.rehearsal.mechanisms.base import Setting
from foldship_kernel.errors import BundleError, DataError, FoldshipError


@pytest.mark.parametrize("name", ["kernel", "dataset"])
def test_missing_bundle(stage, name):
    (stage.kernel / "main.py").parent.mkdir(exist_ok=True)
    shutil.rmtree(stage.folder / name)
    if name == "kernel":
        stage.kernel.mkdir()
    with pytest.raises(FoldshipError, match="make bundle"):
        stage.play()


def test_missing_code_file(stage):
    (stage.kernel / "kernel-metadata.json").write_text(json.dumps({"code_file": "other.py"}))
    with pytest.raises(BundleError, match=r"other\.py: no such file"):
        stage.play()


def test_input_without_test_files(stage):
    (stage.input / "test.csv").unlink()
    with pytest.raises(DataError, match=r"test\.csv"):
        stage.play()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory_gib": 0.001}, "impossible limits"),
        ({"limit_s": 0}, "impossible limits"),
        ({"layout": "diagonal"}, "unknown layout 'diagonal'"),
        ({"isolation": "prayer"}, "unknown isolation 'prayer'"),
        ({"cpus": 4096}, "impossible number of processors"),
    ],
)
def test_impossible_wishes(stage, options, message):
    with pytest.raises(FoldshipError, match=message):
        stage.play(**options)


def test_no_sandbox_to_be_had(stage, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FoldshipError) as error:
        stage.play()
    assert "bubblewrap: the program `bwrap` (package bubblewrap) is not installed" in error.value.found
    assert "apparmor_restrict_unprivileged_userns" in error.value.fix


def test_without_a_sandbox_no_earlier_verdict_is_left(stage, monkeypatch, tmp_path):
    stage.out.mkdir()
    (stage.out / "verdict.json").write_text('{"passed": true}')
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FoldshipError):
        stage.play()
    assert not (stage.out / "verdict.json").exists()


def test_docker_gets_the_same_room(stage, bare_image, tmp_path):
    cache, requirements = bare_image
    furnished = room.furnish(
        stage.kernel,
        stage.dataset,
        stage.input,
        tmp_path,
        competition="quest",
        layout="current",
        limit_s=60,
        memory_gib=2,
        working_gib=1,
        cpus=1.5,
    )
    setting = Setting(furnished, tmp_path, ("/secret",), image.prepare(cache, requirements), ())
    command = " ".join(mechanisms.Docker().launch(setting).command)
    assert "--network none" in command
    assert f"--memory {2 << 30} --memory-swap {2 << 30}" in command
    assert "--cpus 1.5 --cpuset-cpus 0-1" in command
    assert f"source={stage.dataset},target=/kaggle/input/datasets/owner/bundle,readonly" in command
    assert f"--tmpfs /kaggle/working:rw,exec,mode=0777,size={1 << 30}" in command
    assert f"source={tmp_path},target=/tmp " in command


def test_a_full_home_folder_still_fits_the_command(bare_image, tmp_path, monkeypatch):
    environment = image.prepare(*bare_image)
    home = tmp_path / "home"
    home.mkdir()
    for number in range(200):
        (home / f"{number:0200d}").mkdir()
    (home / ".secret").mkdir()
    monkeypatch.setenv("HOME", str(home))
    empty = room.Room((), (), {}, "main.py", 1 << 30, 1 << 30, 60.0)
    hidden = simulation._hidden([tmp_path / "bundle"], empty, environment)
    assert len(hidden) == simulation.MOST_PERSONAL + 1
    assert {str(tmp_path / "bundle"), str(home / ".secret")} < set(hidden)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"a,b\n1\n", "record 2 has 1 cells, the header 2"),
        (b"a,b\n\xff,2\n", "utf-8"),
        (b'a,b\n"1,2\n', "not CSV"),
        (b"a,b,a\n1,2,3\n", "column 'a' is there 2 times"),
    ],
)
def test_unreadable_submissions(tmp_path, content, message):
    (tmp_path / "submission.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        table.read(tmp_path / "submission.csv")


def test_a_submission_is_read_as_it_stands(tmp_path):
    (tmp_path / "submission.csv").write_text("id,x\n007,NA\n")
    frame = table.read(tmp_path / "submission.csv")
    assert frame.to_dict("list") == {"id": ["007"], "x": ["NA"]}
