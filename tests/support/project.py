"""A whole project of its own in a temporary folder, with a tiny model: the real program, in seconds."""

from __future__ import annotations

import io
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from foldship.cli import main as program

OWNER = "someone"
# Kernels for a GPU bring a wheel of 277 MB; engines are not timed.
KERNEL = {"accelerator": "cpu", "cpu_engine": "onnxruntime", "owner": OWNER}
MARK = "=== on the disk ==="
ROOT = Path(__file__).resolve().parents[2]


def create(root: Path, backbone: Path, *, cpu_engine: str = "onnxruntime") -> Path:
    """Write kernels/quest and share the download cache of the real project; returns `root`.

    Engines are not timed unless `cpu_engine` is "auto": of so small a model, any may be the fastest.
    """
    kernels = root / "kernels"
    (kernels / "quest" / "recipes").mkdir(parents=True)
    for name in ("main.py", "quest/competition.yaml", "quest/kernel.yaml"):
        (kernels / name).write_bytes((ROOT / "kernels" / name).read_bytes())
    head = {"train": "head", "epochs": 2, "head_lr": 0.003}
    model = {
        "backbone": str(backbone),
        "towers": [
            {"segments": ["question_title", "question_body"], "max_tokens": 64},
            {"segments": ["question_title", "answer"], "max_tokens": 64},
        ],
        "features": {"categories": ["category"], "common": ["host"], "counted": ["answer"]},
        "head": {"hidden": 32, "dropout": 0.0},
        "adapter": {"rank": 4, "targets": ["query", "value"]},
        "stages": [
            head,
            {"train": "adapter", "epochs": 1, "encoder_lr": 0.002, "head_lr": 0.002},
            {**head, "epochs": 1},
        ],
        "targets": "rank",
    }
    experiment = {
        "competition": "quest",
        "seed": 1,
        "folds": {"count": 2},
        "models": {"tiny": model},
        "kernel": {**KERNEL, "cpu_engine": cpu_engine},
    }
    (kernels / "quest" / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    (kernels / "quest" / "recipes" / "fast.yaml").write_text("{}\n")
    cache = ROOT / "build" / ".cache"
    cache.mkdir(parents=True, exist_ok=True)
    (root / "build").mkdir()
    (root / "build" / ".cache").symlink_to(cache)
    return root


def declare(root: Path, name: str, **files: Any) -> Path:
    """Write kernels/<name> with competition, experiment and kernel (each YAML content), and the recipe fast.

    What is not given is the project's own. The experiment gets its name, folds, owner and engine, unless it
    has such. Returns the folder.
    """
    folder, own = root / "kernels" / name, ROOT / "kernels" / name
    (folder / "recipes").mkdir(parents=True)
    files["experiment"] = {
        "competition": name,
        "folds": {"count": 2},
        "kernel": KERNEL,
        **files["experiment"],
    }
    for file in ("competition", "experiment", "kernel"):
        content = yaml.safe_dump(files[file]) if file in files else (own / f"{file}.yaml").read_text()
        (folder / f"{file}.yaml").write_text(content)
    (folder / "recipes" / "fast.yaml").write_text("{}\n")
    return folder


def foldship(
    root: Path, *arguments: str, disk: Disk | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program on the project in `root`.

    Args:
        root: the project.
        arguments: verb and options.
        environment: more variables.
        disk: a small disk to run on; standard output then ends with what lies on it, see `listing`.
    """
    command = [sys.executable, "-m", "foldship", *arguments]
    if disk:
        command = [*_namespace(), "sh", "-c", disk.script, "sh", *command]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("KAGGLE")}
    variables |= {"FOLDSHIP_ROOT": str(root), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT / "src")}
    variables |= environment or {}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=500, env=variables, cwd=root, check=False
    )


def here(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same in this process, which has loaded all libraries: for runs that are short without that."""
    output, errors = io.StringIO(), io.StringIO()
    interrupt = signal.getsignal(signal.SIGINT)  # the program leaves it to the system in the end
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
        patch.setenv("FOLDSHIP_ROOT", str(root))
        patch.chdir(root)
        patch.setattr(sys, "argv", ["foldship", *arguments])
        try:
            program.main()
            status = 0
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 1
        finally:
            signal.signal(signal.SIGINT, interrupt)
    return subprocess.CompletedProcess(arguments, status, output.getvalue(), errors.getvalue())


@dataclass(frozen=True)
class Disk:
    """A disk of its own in the place of a folder, holding a copy of it; seen by one run only.

    Attributes:
        folder: the folder.
        spare: free KiB, or None for a disk that cannot be written to.
        before: a command to run on it first.
    """

    folder: Path
    spare: int | None
    before: str = ":"

    @property
    def script(self) -> str:
        folder = shlex.quote(str(self.folder))
        size = f"$(($(du -sk --apparent-size {folder} | cut -f1) * 11 / 10 + {self.spare or 0}))k"
        limit = "mount -o remount,ro" if self.spare is None else ":"
        return f"""
            set -e
            copy=$(mktemp -d)
            mount -t tmpfs none "$copy"
            cp -a {folder}/. "$copy"
            mount -t tmpfs -o size={size} none {folder}
            cp -a "$copy/." {folder}
            umount "$copy" && rmdir "$copy"
            {self.before}
            {limit} {folder}
            status=0
            "$@" || status=$?
            echo {MARK}
            cd {folder} && find . -type f -exec sha256sum {{}} +
            exit $status
        """


def listing(output: str) -> dict[str, str]:
    """SHA-256 of every file on the disk at the end of a run, by path below it."""
    lines = output.split(MARK)[1].strip().splitlines()
    return {line.split("  ", 1)[1].removeprefix("./"): line.split()[0] for line in lines}


def _namespace() -> list[str]:
    """A mount namespace of one's own: as a user where the kernel lets one, else as root."""
    for command in (["unshare", "-rm"], ["unshare", "-m"]):
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    pytest.skip("no mount namespaces here: neither user namespaces nor root")
