"""Graphs run in a process of their own, which may crash: a library written in C does not always raise.

The process knows nothing of Foldship, so that it starts in half a second: `python trial.py folder` runs each
graph of `folder` on each batch in it, and writes what came out.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime

GRAPHS, BATCHES, RESULTS = "*.onnx", "*.in.npz", "{}.{}.npy"
_SECONDS = 300


class BrokenError(Exception):
    """A graph could not be opened or run."""


def run(folder: Path) -> None:
    """Run all graphs of a folder; `result` reads what each made of each batch.

    Raises:
        BrokenError: one could not be opened or run; its name, and what ONNX Runtime said.
    """
    command = [sys.executable, "-I", str(Path(__file__)), str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise BrokenError(f"still at work after {_SECONDS} seconds") from error
    said = [line for line in done.stderr.splitlines() if line.strip()]
    at = done.stdout.split("\n")[-2:][0]  # what it was at
    if done.returncode < 0:
        raise BrokenError(f"{at}: ONNX Runtime crashed (signal {-done.returncode})")
    if done.returncode:
        raise BrokenError(f"{at}: {said[-1] if said else f'exit code {done.returncode}'}")


def result(folder: Path, graph: str, batch: str) -> np.ndarray:
    """What a graph made of a batch."""
    found: np.ndarray = np.load(folder / RESULTS.format(graph, batch))
    return found


def _main(folder: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    for path in sorted(folder.glob(GRAPHS)):
        print(path.stem, flush=True)
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        names = [value.name for value in session.get_inputs()]
        for batch in sorted(folder.glob(BATCHES)):
            given = np.load(batch)
            (found,) = session.run(None, {name: given[name] for name in names})
            np.save(folder / RESULTS.format(path.stem, batch.name.removesuffix(BATCHES[1:])), found)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
