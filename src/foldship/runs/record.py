"""A finished run on disk: `run.json` and out-of-fold predictions, in a folder that is whole or not there."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from foldship import receipts
from foldship_kernel.atomic import write_csv, write_json

FORMAT = 1
FILE_NAME = "run.json"
RAW, NESTED = "oof.csv", "nested.csv"
PART = ".part"
KEY_DIGITS = 10
LATEST = ("recipe", "finished")  # of a run that is made again


def write(
    runs: Path,
    identity: Mapping[str, Any],
    facts: Mapping[str, Any],
    tables: Mapping[str, Path],
    truth: pd.DataFrame,
) -> Path:
    """Keep a run; if just this one is kept already, note which recipe made it again, and when.

    The truth is kept once for all runs on the same rows. Everything is written beside its place and renamed,
    so a run that is listed is whole; what a killed run left behind is removed.

    Args:
        runs: folder of all runs; made if missing.
        identity: what makes it the run it is, JSON-like: settings, and hashes of all it was made from.
        facts: what else is known of it: scores, durations, versions.
        tables: file to copy by name (`oof.csv`, `nested.csv`).
        truth: id, `group` and the targets of the training rows.

    Returns:
        The run's folder; its name is a hash of `identity`.

    Raises:
        OSError: the disk is full or cannot be written to.
    """
    runs.mkdir(parents=True, exist_ok=True)
    for left in runs.glob(f".*{PART}"):
        shutil.rmtree(left, ignore_errors=True)
    truth = truth.sort_values(str(truth.columns[0]))  # the order of the data's rows is no other data
    digest = receipts.digest(truth.to_csv(index=False))
    shared = f"truth-{digest[:12]}.csv"
    if not (runs / shared).is_file():
        write_csv(runs / shared, truth)
    key = receipts.digest([identity, digest])[:KEY_DIGITS]
    folder = runs / key
    if (folder / FILE_NAME).is_file():
        known = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        latest = {name: facts[name] for name in LATEST if name in facts}
        write_json(folder / FILE_NAME, {**known, **latest})
        return folder
    staged = Path(tempfile.mkdtemp(prefix=f".{key}.", suffix=PART, dir=runs))
    try:
        for name, path in tables.items():
            shutil.copyfile(path, staged / name)
        write_json(staged / FILE_NAME, {"format": FORMAT, "run": key, "truth": shared, **identity, **facts})
        staged.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        staged.rename(folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return folder
