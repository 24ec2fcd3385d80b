from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import project
import pytest

from foldship.cli.main import VERBS


def test_help_names_every_verb_in_the_order_of_the_work(root: Path) -> None:
    result = project.foldship(root, "--help")
    assert result.returncode == 0
    places = [result.stdout.index(f"\n  {verb} ") for verb in VERBS]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--competition", "qest"), "quest"),
        (("train", "--recipe", "slow"), "one of: fast, full, gpu, lora, ridge"),
        (("train", "--data", "nowhere"), "DATA: nowhere is no folder"),
        (("simulate", "--limit", "soon"), "'soon' is not a valid float"),
        (("simulate", "--rows", "0"), "0 is not in the range x>=1"),
        (("simulate", "--rows", "many"), "'many' is not a valid integer"),
        (("simulate", "--margin", "-0.1"), "-0.1 is not in the range 0<=x<1"),
        (("simulate", "--profile", "k80"), "there is no profile 'k80'"),
        (("simulate", "--cpus", "half"), "'half' is not a valid float"),
    ],
)
def test_a_wrong_argument_ends_with_what_would_be_right(
    root: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = project.here(root, *arguments)
    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("kind", "said"), [("TensorBoard", False), ("threading.Thread", True)])
def test_a_failed_tensorboard_writer_is_left_to_the_main_thread_to_say(kind: str, said: bool) -> None:
    code = f"""
import errno, threading, types
import click
from tensorboard.summary.writer.event_file_writer import _AsyncWriter
from foldship.cli import main

def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")

def fail(**_):
    if "{kind}" == "TensorBoard":
        writer = _AsyncWriter(types.SimpleNamespace(write=full, flush=full))
        writer.write(b"event")
        writer._worker.join()
        writer.flush()
    else:
        thread = threading.Thread(target=full)
        thread.start()
        thread.join()

main.program = click.Command("foldship", callback=fail)
main.main()
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Traceback" not in result.stderr
    assert ("note: Thread-1 (full) failed: OSError" in result.stderr) == said, result.stderr
    assert ("error: a file: No space left on device" in result.stderr) != said


def test_bundling_before_training_names_the_command(tiny_backbone: Path, tmp_path: Path) -> None:
    root = project.create(tmp_path, tiny_backbone)
    result = project.here(root, "bundle")
    assert result.returncode == 1
    assert "run `make train`" in result.stderr


def test_bare_make_lists_every_target_with_a_line(root: Path) -> None:
    listed = subprocess.run(["make"], cwd=root, capture_output=True, text=True, check=True).stdout
    makefile = (root / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets == set(phony.split())
    for target in targets:
        assert re.search(rf"^  {target} +\w", listed, re.MULTILINE), target
    assert "\x1b" not in listed


def test_the_readme_names_only_targets_and_folders_that_exist(root: Path) -> None:
    text = (root / "README.md").read_text()
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", text)) <= targets
    for link in re.findall(r"\]\((?!http)([^)]*)\)", text):
        assert (root / link).exists(), link
