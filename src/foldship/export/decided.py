"""The engine that was chosen for a trained model, kept with its weights.

Which engine is fastest is measured, and no machine is equally fast twice. So it is measured once: the same
weights give the same bundle to the byte, also when `build/` was emptied in between, or the machine was busy.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from foldship.export.engine_trial import Trial
from foldship_kernel.atomic import write_json

FILE_NAME = "engine.json"


def read(model_dir: Path, inputs: str) -> list[Trial]:
    """What came of each candidate when the engine was chosen for just this export.

    Args:
        model_dir: the trained model's folder.
        inputs: digest of all that the export is made from.

    Returns:
        One of them is `chosen`; empty where nothing was chosen yet.
    """
    with suppress(OSError, ValueError, KeyError, TypeError):
        value = json.loads((model_dir / FILE_NAME).read_text(encoding="utf-8"))
        trials = [Trial(**trial) for trial in value["trials"]]
        if value["inputs"] == inputs and any(trial.chosen for trial in trials):
            return trials
    return []


def keep(model_dir: Path, inputs: str, trials: Sequence[Trial]) -> None:
    """Keep a choice; in a folder that cannot be written to, the next export measures anew."""
    with suppress(OSError):
        write_json(model_dir / FILE_NAME, {"inputs": inputs, "trials": [asdict(trial) for trial in trials]})
