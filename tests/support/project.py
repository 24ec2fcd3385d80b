"""A whole project of its own in a temporary folder, with a tiny model: the real program, in seconds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def create(root: Path, backbone: Path) -> Path:
    """Write kernels/quest and share the download cache of the real project; returns `root`."""
    kernels = root / "kernels"
    (kernels / "quest" / "recipes").mkdir(parents=True)
    for name in ("main.py", "quest/kernel.yaml"):
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
    experiment = {"competition": "quest", "seed": 1, "folds": {"count": 2}, "models": {"tiny": model}}
    (kernels / "quest" / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    (kernels / "quest" / "recipes" / "fast.yaml").write_text("{}\n")
    cache = ROOT / "build" / ".cache"
    cache.mkdir(parents=True, exist_ok=True)
    (root / "build").mkdir()
    (root / "build" / ".cache").symlink_to(cache)
    return root


def foldship(root: Path, *arguments: str, shell: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program on the project in `root`.

    Args:
        root: the project.
        arguments: verb and options.
        shell: commands to run before it, in a mount namespace of its own, as root there.
    """
    command = [sys.executable, "-m", "foldship", *arguments]
    if shell:
        command = ["unshare", "-rm", "sh", "-ec", f'{shell}\nexec "$@"', "sh", *command]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KAGGLE")}
    environment |= {"FOLDSHIP_ROOT": str(root), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=500, env=environment, cwd=root, check=False
    )


def remove(folder: Path) -> None:
    """Delete a generated folder."""
    shutil.rmtree(folder)
