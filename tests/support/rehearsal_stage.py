"""A stage for kernels: a small competition, a small bundle, and code for a kernel that does well."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from declared import quest

from foldship.rehearsal import Verdict, simulate

IDS = [f"{number:03d}" for number in (7, 3, 11, 1)]
# Writes a valid submission and account; kernels under test put their misdeeds around it.
GOOD = """
import csv, json, os, pathlib
root = pathlib.Path(os.environ.get("FOLDSHIP_INPUT", "/kaggle/input"))
working = pathlib.Path(os.environ.get("FOLDSHIP_WORKING", "/kaggle/working"))
with next(root.rglob("sample_submission.csv")).open(newline="") as stream:
    header, *rows = csv.reader(stream)
columns = range(1, len(header))
rows = [[row[0], *((number + column) / 100 for column in columns)] for number, row in enumerate(rows)]
def submit(rows=rows, header=header):
    with (working / "submission.csv").open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\\n").writerows([header, *rows])
submit()
account = {"folds_used": ["m fold 0"], "folds_left_out": {}, "phases": {"predict": 1.5}, "status": "complete"}
(working / "foldship.json").write_text(json.dumps(account))
"""


@dataclass
class Stage:
    """Folders of one rehearsal."""

    folder: Path
    cache: Path
    requirements: Path

    @property
    def kernel(self) -> Path:
        return self.folder / "kernel"

    @property
    def dataset(self) -> Path:
        return self.folder / "dataset"

    @property
    def input(self) -> Path:
        return self.folder / "input"

    @property
    def out(self) -> Path:
        return self.folder / "simulation"

    def play(self, code: str = "", *, good: bool = True, **options: Any) -> Verdict:
        """Rehearse a kernel: by default a good one that then runs `code`."""
        (self.kernel / "main.py").write_text((GOOD if good else "") + code, encoding="utf-8")
        settings: dict[str, Any] = {
            "cache": self.cache,
            "requirements": self.requirements,
            "competition": "google-quest-challenge",
            "task": quest,
            "limit_s": 30.0,
            "memory_gib": 0.5,
            "working_gib": 0.01,
            "echo": lambda line: None,
            **options,
        }
        return simulate(self.kernel, self.dataset, self.input, self.out, **settings)

    def log(self) -> str:
        return (self.out / "kernel.log").read_text(encoding="utf-8")

    def verdict(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.out / "verdict.json").read_text(encoding="utf-8"))
        return value


def write_stage(stage: Stage) -> None:
    for folder in (stage.kernel, stage.dataset, stage.input):
        folder.mkdir(parents=True)
    metadata = {"id": "owner/bundle-kernel", "code_file": "main.py", "enable_internet": False}
    (stage.kernel / "kernel-metadata.json").write_text(json.dumps(metadata))
    (stage.kernel / "main.py").write_text(GOOD)
    (stage.dataset / "dataset-metadata.json").write_text(json.dumps({"id": "owner/bundle"}))
    (stage.dataset / "weights.bin").write_bytes(b"weights")
    entry = {"path": "weights.bin", "size": 7, "sha256": hashlib.sha256(b"weights").hexdigest()}
    manifest = {
        "format": 3,
        "competition": "quest",
        "task": asdict(quest),
        "accelerator": "cpu",
        "limit_s": 60,
        "models": [],
        "fallback": {},
        "blends": [],
        "schedule": [],
        "wheels": [],
        "files": [entry],
        "versions": {},
    }
    (stage.dataset / "bundle.json").write_text(json.dumps(manifest))
    texts = [*quest.texts, *quest.categories, *quest.common]
    write_table(stage.input / "test.csv", [quest.id, *texts], [[name, *texts] for name in sorted(IDS)])
    zeros = ["0.0"] * len(quest.targets)
    write_table(
        stage.input / "sample_submission.csv", [quest.id, *quest.targets], [[name, *zeros] for name in IDS]
    )


def write_table(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
