"""Measure the machine: how fast it loads, tokenises and computes, into `profile.yaml`.

The calibration kernel's work. It runs the first fold that is attached on made-up texts and tokens,
takes about a minute, and makes no submission.
"""

from __future__ import annotations

import datetime
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from foldship_kernel import atomic, cleaning, devices, flops, hardware, parts, wheels
from foldship_kernel.budget import TokenBudget
from foldship_kernel.encode import EncodingSpec, join
from foldship_kernel.encoded import EncodedRows, ends
from foldship_kernel.engines.base import CUDA
from foldship_kernel.errors import BundleError
from foldship_kernel.tokens import TokenStore

FILE_NAME = "profile.yaml"
LENGTHS = (32, 64, 128, 256, 512)
VARIABLE = "FOLDSHIP_CALIBRATE_S"  # seconds to compute at each length
SECONDS = 4.0
ROWS = 500  # made-up rows to tokenise
BATCHES = 8  # per device and measurement
WORDS = 400  # per text
FIGURES = 3  # significant digits
# What a short measurement may miss: other tenants, heat, other lengths.
LEAST_FACTOR = 1.15


@dataclass(frozen=True)
class Speed:
    """What one length of sequences was computed at: FLOP/s of one device, all of them busy."""

    length: int
    flops_per_s: float


def main(bundle: Path, inputs: Path, working: Path, start: float) -> int:
    """Measure, and write the profile.

    Args:
        bundle: path of `bundle.json`.
        inputs: folder to search for further parts of the bundle; the competition's files are not needed.
        working: folder to write into.
        start: `time.monotonic()` at the kernel's start.

    Returns:
        0.

    Raises:
        BundleError: the bundle does not say what its folds cost, or cannot be run.
    """
    contents = _read(bundle)
    files = parts.find(parts.Parts.from_dict(contents), bundle.parent, inputs)
    model = _attached(contents["models"], files)
    gpu = contents["accelerator"] == "gpu"
    with tempfile.TemporaryDirectory(prefix="wheels-", ignore_cleanup_errors=True) as folder:
        paths = [files.path(path) for path in contents["wheels"]]
        origin = wheels.provide("onnxruntime", paths, Path(folder), gpu=gpu and devices.gpus() > 0)
        print(f"ONNX Runtime, {origin}", flush=True)
        imported_s = time.monotonic() - start
        tokens_per_s = _tokenising(files.path(model["tokenizer"]), model["encoding"])
        print(f"tokenising: {tokens_per_s:,.0f} tokens/s", flush=True)
        machine = _Machine(files, model, contents["files"], gpu=gpu)
        longest = int(model["cost"]["longest"])
        lengths = [length for length in LENGTHS if length < longest] + [longest]
        speeds = [machine.speed(length, _seconds()) for length in lengths]
    value = _profile(machine, speeds, tokens_per_s, imported_s + machine.warm_up_s)
    # JSON is YAML, and needs no library.
    atomic.write_text(working / FILE_NAME, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    print(f"{machine.provider} on {', '.join(value['measured']['hardware'])}", flush=True)
    for speed in speeds:
        print(f"{speed.length:5} tokens: {speed.flops_per_s:.3g} FLOP/s on each device", flush=True)
    if gpu and machine.provider != CUDA:
        print("!" * 80 + "\nNO GPU COULD BE USED: this is the profile of the CPU\n" + "!" * 80, flush=True)
    print(f"written: {working / FILE_NAME}", flush=True)
    return 0


class _Machine:
    """The first fold on every device, as the kernel runs it.

    Attributes:
        provider: what really runs it.
        devices: how many.
        version: of ONNX Runtime.
        bytes_per_s: at which graphs and weights were loaded, per device.
        warm_up_s: of the first batch, beyond what a later one takes.
    """

    def __init__(
        self,
        files: parts.Files,
        model: Mapping[str, Any],
        entries: Sequence[Mapping[str, Any]],
        *,
        gpu: bool,
    ) -> None:
        # Not before: ONNX Runtime may only now be importable.
        import onnxruntime

        from foldship_kernel.engines import onnx_runtime
        from foldship_kernel.fold import Fold

        self.version = str(onnxruntime.__version__)
        self._cost = model["cost"]
        self._spec = EncodingSpec.from_dict(model["encoding"])
        self._vocabulary = Tokenizer.from_file(str(files.path(model["tokenizer"]))).get_vocab_size()
        entry = model["folds"][0]
        gpus = onnx_runtime.cuda_devices(wanted=gpu)
        began = time.monotonic()
        paths = (files.path(entry[name]) for name in ("encoder", "encoder_cpu", "head"))
        self._fold = Fold(*paths, gpus=gpus, cpu_engine=model.get("cpu_engine", "onnxruntime"))
        load_s = time.monotonic() - began
        self.provider = self._fold.provider
        on_gpu = self.provider == CUDA
        self.devices = gpus if on_gpu else 1
        sizes = {file["path"]: file["size"] for file in entries}
        read = (entry["encoder" if on_gpu else "encoder_cpu"], entry["head"], *entry["weights"])
        self.bytes_per_s = self.devices * sum(sizes[name] for name in read) / max(load_s, 1e-6)
        self._budget = TokenBudget(self._fold.budgets)
        self.warm_up_s = max(0.0, self._timed(LENGTHS[0]) - self._timed(LENGTHS[0]))

    def speed(self, length: int, seconds: float) -> Speed:
        """Compute batches of sequences of one length on all devices at once, for so many seconds."""
        per_token = flops.per_token(
            layers=self._cost["layers"],
            width=self._cost["width"],
            intermediate=self._cost["intermediate"],
            length=length,
        )
        self._timed(length)  # sets up memory for this shape
        took, runs = 0.0, 0
        while runs == 0 or took < seconds:
            took += self._timed(length)
            runs += 1
        tokens = runs * len(self._made_up(length).tokens)
        return Speed(length, tokens * per_token / took / self.devices)

    def _timed(self, length: int) -> float:
        """Seconds that a few batches for every worker take."""
        encoded = self._made_up(length)
        began = time.monotonic()
        self._fold.pool(encoded, self._spec, self._budget)
        return time.monotonic() - began

    def _made_up(self, length: int) -> EncodedRows:
        """Made-up sequences of one length, for several batches for every worker."""
        count = max(1, BATCHES * self.devices * self._budget.value // length)
        lengths = np.full(count, length)
        return EncodedRows(
            tokens=np.random.default_rng(0).integers(0, self._vocabulary, lengths.sum()).astype(np.int32),
            offsets=ends(lengths),
            boundaries=lengths.astype(np.int32),
            index=np.arange(count)[:, None],
        )


def _read(bundle: Path) -> dict[str, Any]:
    try:
        contents: dict[str, Any] = json.loads(bundle.read_text(encoding="utf-8"))
        keys = ("layers", "width", "intermediate", "longest")
        _ = [model["cost"][key] for model in contents["models"] for key in keys]
        _ = contents["models"][0]
        parts.Parts.from_dict(contents)
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise BundleError(
            f"{bundle}: does not say what its folds cost",
            found=repr(error),
            fix="build it again with `make bundle`, and upload it again",
        ) from error
    return contents


def _attached(models: Sequence[Mapping[str, Any]], files: parts.Files) -> Mapping[str, Any]:
    """The first model that is not in a missing part."""
    if files.missing:
        print(files.remedy(), flush=True)
    for model in models:
        if not files.absent(model["folds"][0]["encoder"]):
            return model
    raise BundleError(
        f"{files.root}: no model is attached to measure with",
        expected="one of " + ", ".join(model["name"] for model in models),
        found="all of them are in missing parts",
        fix=f"attach dataset {', '.join(files.missing.values())} to the kernel",
    )


def _seconds() -> float:
    return float(os.environ.get(VARIABLE, SECONDS))


def _tokenising(tokenizer_path: Path, encoding: Mapping[str, Any]) -> float:
    """Tokens a second that made-up rows are cleaned and tokenised at."""
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    spec = EncodingSpec.from_dict(encoding)
    random = np.random.default_rng(0)
    known = sorted(word for word in tokenizer.get_vocab() if word.isalpha())

    def made_up() -> list[str]:
        return [" ".join(words) for words in random.choice(known, (ROWS, WORDS))]

    raw = {name: made_up() for tower in spec.towers for name in tower.segments}
    began = time.monotonic()
    store = TokenStore(tokenizer, spec.reach)
    encoded = join(
        store, {name: store.add(cleaning.clean_all(raw[name], spec.cleaning)) for name in raw}, spec
    )
    return float(encoded.lengths.sum() / (time.monotonic() - began))


def _profile(
    machine: _Machine, speeds: Sequence[Speed], tokens_per_s: float, start_s: float
) -> dict[str, Any]:
    reached = [speed.flops_per_s for speed in speeds]
    typical = median(reached)
    names, memory_gib = hardware.describe(machine.devices, gpu=machine.provider == CUDA)

    def figure(value: float, factor: float, what: str) -> dict[str, Any]:
        return {
            "value": _rounded(value),
            "factor": _rounded(factor),
            "source": f"measured by the calibration kernel: {what}",
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        }

    spread = max(max(reached) / typical, typical / min(reached), LEAST_FACTOR)
    return {
        "description": f"{machine.devices} x {names[0]}, measured",
        "devices": machine.devices,
        "flops_per_s": figure(typical, spread, "the middle of several lengths"),
        "start_s": figure(start_s, 1.5, "imports and the first batch"),
        "load_bytes_per_s": figure(machine.bytes_per_s, 2.0, "the first fold's encoder"),
        "tokens_per_s": figure(tokens_per_s, 1.5, "made-up texts"),
        "memory_gib": figure(memory_gib, 1.0, "as the system shows it"),
        "measured": {
            "provider": machine.provider,
            "onnxruntime": machine.version,
            "hardware": names,
            "flops_per_s": {speed.length: _rounded(speed.flops_per_s) for speed in speeds},
        },
    }


def _rounded(value: float) -> float:
    return float(f"{value:.{FIGURES}g}")
