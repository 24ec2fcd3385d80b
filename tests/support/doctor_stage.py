"""A push that the doctor finds nothing wrong with, to be spoilt in one place at a time."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import package_index
import push_stage
import tiny_bundle

from foldship.doctor.account import Account, sign_in
from foldship.doctor.evidence import Evidence
from foldship.doctor.examination import ask
from foldship.doctor.finding import Finding
from foldship.doctor.rules import Rule
from foldship.images import profile
from foldship.kaggle_client.retry import Patience
from foldship_kernel import manifest

PLATFORM = "manylinux_2_27_x86_64.manylinux_2_28_x86_64"
PROJECTION = {
    "profile": "cpu",
    "rows": 40,
    "seconds": 60.0,
    "seconds_at_worst": 90.0,
    "limit_s": 32400.0,
    "margin": 0.9,
    "fits_memory": True,
}


def build(folder: Path, **config: object) -> tiny_bundle.TinyBundle:
    """A bundle with wheels of empty engines for the images of its accelerator."""
    names = [("onnxruntime", "cp311"), ("onnxruntime", "cp312")]
    names += [("onnxruntime_gpu", "cp312")] if config.get("accelerator") == "gpu" else []
    (folder / "made").mkdir(parents=True)
    wheels = [
        package_index.wheel(folder / "made", f"{name}-1.26.0-{python}-{python}-{PLATFORM}.whl")
        for name, python in names
    ]
    return tiny_bundle.build(folder, wheels=wheels, **config)


class DoctorStage:
    """A bundle of one's own with a rehearsal that passed.

    Attributes:
        evidence: what the doctor looks at; without an account.
    """

    def __init__(self, bundle: tiny_bundle.TinyBundle, folder: Path) -> None:
        for name, source in (("kernel", bundle.kernel), ("dataset", bundle.dataset)):
            shutil.copytree(source, folder / name)
        accelerator = manifest.load(folder / "dataset" / "bundle.json").accelerator
        names = (f"kaggle-{accelerator}", "local")
        self.evidence = Evidence(
            root=folder,
            kernel=folder / "kernel",
            datasets=(folder / "dataset",),
            rehearsal=folder / "simulation",
            sample=folder / "sample",
            images={name: profile.find(name, folder / "images") for name in names},
            dataset_limit=1 << 30,
            submitting=False,
            account=Account(),
        )
        self.evidence.rehearsal.mkdir()
        (self.evidence.rehearsal / "submission.csv").write_text(push_stage.submission())
        self.rehearse()

    def change(self, **values: Any) -> None:
        """Change what is known, such as `submitting` or `account`; files are read anew."""
        self.evidence = dataclasses.replace(self.evidence, **values)

    def edit(self, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Change a JSON file below the stage's folder."""
        path = self.evidence.root / name
        value = json.loads(path.read_text(encoding="utf-8"))
        change(value)
        path.write_text(json.dumps(value), encoding="utf-8")
        self.change()

    def rehearse(self, **facts: Any) -> None:
        """Write the verdict on the bundle as it is now."""
        evidence = self.evidence
        verdict = {
            "passed": True,
            "checks": {"ids": {"passed": True, "seen": "", "remedy": ""}},
            "isolation": {"mechanism": "unshare"},
            "limits": {"time_s": 32400.0},
            "projection": PROJECTION,
            "kernel": {"folds_left_out": {}},
            "bundle": {
                "sha256": manifest.sha256(evidence.datasets[0] / "bundle.json"),
                "kernel_sha256": manifest.sha256(evidence.kernel / "main.py"),
            },
            **facts,
        }
        (evidence.rehearsal / "verdict.json").write_text(json.dumps(verdict))
        self.change()

    def sign_in(self) -> None:
        """Sign in on the site that this process is led to."""
        self.change(account=sign_in(lambda _: None, Patience(attempts=2, sleep=lambda _: None)))

    def ask(self, rule: Rule) -> Finding:
        """What a rule says."""
        return ask(rule, self.evidence)
