from __future__ import annotations

import subprocess

import pytest

from foldship.doctor import Level
from foldship.doctor.rules import git_state


@pytest.fixture
def repository(stage, monkeypatch):
    """The stage's project as a repository with all committed."""
    root = stage.evidence.root
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    (root / "kernels").mkdir()
    (root / "kernels" / "kernel.yaml").write_text("title: one\n")
    for command in (
        ["init", "-q"],
        ["add", "kernels"],
        ["-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-q", "-m", "one"],
    ):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    return root


def test_committed(stage, repository):
    (repository / "notes.txt").write_text("of no account")
    assert stage.ask(git_state).level is Level.PASSED


@pytest.mark.parametrize("name", ["kernel.yaml", "new.yaml"])
def test_uncommitted(stage, repository, name):
    (repository / "kernels" / name).write_text("title: two\n")
    found = stage.ask(git_state)
    assert found.level is Level.WARNING
    assert found.seen == f"not committed: kernels/{name}"


def test_no_repository(stage, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(stage.evidence.root.parent))
    assert stage.ask(git_state).level is Level.NOT_ASKED


def test_no_git(stage, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = stage.ask(git_state)
    assert (found.level, found.seen) == (Level.NOT_ASKED, "git is not installed")
