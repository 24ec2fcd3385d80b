"""The kernel's work from the first file read to the last submission written.

Started by `supervise`, as `python -m foldship_kernel.run BUNDLE INPUTS WORKING SCRATCH START LIMIT_S`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foldship_kernel import (
    account,
    devices,
    engines,
    integrity,
    locate,
    manifest,
    parts,
    supervise,
    wheels,
)
from foldship_kernel.deadline import Deadline
from foldship_kernel.errors import BundleError, DataError, FoldshipError
from foldship_kernel.gather import Gathered
from foldship_kernel.intake import Intake, Reading
from foldship_kernel.journal import FILE_NAME as JOURNAL
from foldship_kernel.journal import Journal
from foldship_kernel.mixing import Mixer, Mixture
from foldship_kernel.retrieval import aboard
from foldship_kernel.submission import FILE_NAME as SUBMISSION
from foldship_kernel.submission import Submission
from foldship_kernel.units import Unit, order


class Kernel:
    """One run: first a submission that needs no model, then better ones, fold by fold.

    Args:
        bundle: path of `bundle.json`.
        inputs: folder to search for the competition's files, and for further parts of the bundle.
        working: folder to write into.
        scratch: folder for what need not outlive the run; another worker of the same run finds it again.
        deadline: the clock of the run.

    Raises:
        FoldshipError: the manifest or the competition's files are missing or malformed.
    """

    def __init__(self, bundle: Path, inputs: Path, working: Path, scratch: Path, deadline: Deadline) -> None:
        self._bundle = bundle
        self._deadline = deadline
        self._scratch, self._kept = scratch, scratch / "gathered.npz"
        self.journal = Journal(working / JOURNAL, deadline)
        self.journal.phases["start"] = deadline.elapsed_s()
        self._gathered = self._resume()
        self._left_out: dict[str, str] = {}
        with self.journal.phase("read"):
            self._manifest = manifest.load(bundle)
            self._files = parts.find(self._manifest.parts, bundle.parent, inputs)
            self._task = self._manifest.task
            needed = self._manifest.columns_read
            folder, (self._rows, template) = locate.read_test(inputs, self._task, needed)
            self._mixer = Mixer(self._manifest, self._task, self.journal)
            self._groups = np.arange(len(self._rows.ids))  # until their texts are read
            self._submission = Submission(
                working / SUBMISSION, self._task, self._rows, template, self._manifest.fallback
            )
        self.journal.mended(template.mended)
        self.journal.say(f"{self._task.name}: {len(self._rows.ids):,} rows from {folder}")
        self.journal.facts.update(
            competition=self._task.name,
            accelerator=self._manifest.accelerator,
            rows=len(self._rows.ids),
            threads=devices.threads(),
            input=str(folder),
            score=None,
        )

    def fall_back(self) -> None:
        """Write the submission that needs no model, unless an earlier worker left a better one."""
        if self._gathered.units:
            self.journal.say(f"going on after {', '.join(self._gathered.units)}")
            return
        with self.journal.phase("fallback"):
            self._submission.write(self._submission.fallback())
            self._save("running")
        self.journal.say("a fallback submission without any model is in place")

    def predict(self, *, frugal: bool = False) -> None:
        """Run the folds, and write a better submission after each.

        The rows are read while the bundle's files are verified and the runtime is loaded.

        Args:
            frugal: whether to use as little memory as can be.

        Raises:
            BundleError: no fold of the bundle is whole, or ONNX Runtime is not to be had.
            DataError: there is no row to predict.
        """
        if not len(self._rows.ids):
            raise DataError(
                "no row to predict was found",
                expected=f"rows in {self._task.test}",
                fix="attach the competition to the kernel again",
            )
        with ThreadPoolExecutor(1, thread_name_prefix="intake") as background:
            with self.journal.phase("verify"):
                # Reading can begin as soon as the tokenizers are known to be whole.
                readable = integrity.with_whole_tokenizer(self._manifest, self._files)
                # Passages are found by an encoder, which needs the runtime first.
                waits = self._task.retrieval is not None
                taken_in = None if waits else background.submit(self._take_in, readable)
                models, usable_wheels = self._undamaged()
                self._save("running")
            gpus = self._runtime(models, usable_wheels)
            if taken_in is None:
                taken_in = background.submit(self._take_in, readable)
            with self.journal.phase("wait for the rows"):
                intake = taken_in.result()
            self._groups = intake.groups
        from foldship_kernel import governor, predict

        predictor = predict.Predictor(
            self._files,
            self._task,
            intake,
            gpus,
            governor.Governor(self._deadline),
            self.journal,
            frugal=frugal,
        )
        ordered = order(models, self._manifest.schedule)
        left = [unit for unit in ordered if str(unit) not in self._gathered.units]
        predictor.run(left, self._accept, self._leave_out)

    def _undamaged(self) -> tuple[list[manifest.ModelEntry], list[Path]]:
        """Models with their whole folds only, and whole wheels."""
        found = integrity.examine(self._manifest, self._files)
        if self._files.missing:
            self.journal.loud(self._files.remedy())
        if found.damage:
            lines = "\n".join(f"  {path}: {what}" for path, what in found.damage.items())
            self.journal.loud(f"DAMAGED BUNDLE, {self._files.root}:\n{lines}\n{manifest.REBUILD}")
        self._left_out.update(found.left_out)
        return integrity.at_least_one(found, self._files.root), list(found.wheels)

    def _take_in(self, models: Sequence[manifest.ModelEntry]) -> Intake:
        with self.journal.phase("encode"):
            readings = [
                Reading(self._files.path(model.tokenizer), model.encoding, model.features) for model in models
            ]
            with aboard.with_passages(
                self._rows, self._task.retrieval, self._files, self.journal, self._deadline
            ) as rows:
                return Intake(self._task, rows, readings)

    def _runtime(self, models: Sequence[manifest.ModelEntry], usable_wheels: list[Path]) -> int:
        """Make the models' engines importable; returns the number of CUDA devices to use."""
        gpu = self._manifest.accelerator == "gpu"
        with self.journal.phase("runtime"):
            unpacked = self._empty_folder()
            origin = wheels.provide("onnxruntime", usable_wheels, unpacked, gpu=gpu and devices.gpus() > 0)
            # Not before: ONNX Runtime may only now be importable.
            import onnxruntime

            from foldship_kernel.engines import onnx_runtime

            gpus = onnx_runtime.cuda_devices(wanted=gpu)
            if not gpus:
                for library in {engines.library(model.cpu_engine) for model in models} - {"onnxruntime"}:
                    # Where ONNX Runtime came from a wheel, all are unpacked. Never over what is loaded.
                    own = [wheel for wheel in usable_wheels if wheel.name.startswith(f"{library}-")]
                    try:
                        wheels.provide(library, own, self._empty_folder(), gpu=False)
                    except BundleError as error:
                        # Not loud: what runs in its place is, when the model is loaded.
                        self.journal.say(f"{library} cannot be used: {error}")
        self.journal.say(f"ONNX Runtime {onnxruntime.__version__}, {origin}")
        return gpus

    def _empty_folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="wheels-", dir=self._scratch))

    def finish(self) -> int:
        """Say what came of it, and return the exit status.

        Returns:
            0 if at least one fold is in the submission, or if time ran out before; else 1.
        """
        facts = {"folds_used": list(self._gathered.units), "folds_left_out": self._left_out}
        self._left_out.update(dict.fromkeys(account.missing(self._bundle, facts), "failed: not reached"))
        out_of_time = any(reason.startswith("no time") for reason in self._left_out.values())
        status = account.status({**facts, "folds_cut": self._cut()})
        if status == "fallback":
            self.journal.loud("THE SUBMISSION IS A FALLBACK: no model had a part in it")
        elif status == "partial":
            reasons = [f"  {unit}: {reason}" for unit, reason in self._left_out.items()]
            reasons += [f"  {unit}: read shorter, for want of time" for unit in self._cut()]
            self.journal.loud("\n".join(["THE SUBMISSION LACKS FOLDS, OR PARTS OF THEM:", *reasons]))
        self._save(status)
        self.journal.say(
            f"{status}: folds used: {', '.join(self._gathered.units) or 'none'}\n{self.journal.table()}"
        )
        return 0 if self._gathered.units or out_of_time else 1

    def _accept(self, unit: Unit, outputs: NDArray[np.float64]) -> None:
        """Take one fold's outputs into the blend, and write the better submission."""
        gathered = self._gathered.plus(str(unit), unit.model.name, outputs)
        with self.journal.phase("write"):
            unread = self._submission.fallback()
            mixture = self._mixer.mix(gathered, unread, self._groups)
            constant = self._submission.write(mixture.predictions)
            self._gathered = gathered  # not before: what could not be written has no part in later blends
            with suppress(OSError):  # only a worker that comes after this one would miss it
                gathered.save(self._kept)
            notes = mixture.notes
            if constant:
                notes.append(f"constant, given a cheap order of the rows: {', '.join(constant)}")
            # Only the last submission's notes matter.
            self.journal.facts.update(postprocess_notes=notes, score=self._expected(gathered, mixture))
            self._save("running")

    def _expected(self, gathered: Gathered, mixture: Mixture) -> float | None:
        """Expected score of the folds that have read all; not known where rows differ in what was done."""
        whole = set(gathered.units) - set(self._cut())
        return self._manifest.expected_score(whole) if mixture.uniform else None

    def _cut(self) -> list[str]:
        """Folds that have read sequences shorter than the model was trained on."""
        cut = [run["fold"] for run in self.journal.runs if run["longest"] is not None]
        return [unit for unit in cut if unit in self._gathered.units]

    def _resume(self) -> Gathered:
        """What an earlier worker of this run has kept; nothing, if this is the first."""
        return Gathered.load(self._kept) if self._kept.is_file() else Gathered()

    def _leave_out(self, unit: Unit, reason: str) -> None:
        self._left_out[str(unit)] = reason
        self._save("running")

    def _save(self, status: str) -> None:
        used = list(self._gathered.units)
        self.journal.facts.update(folds_used=used, folds_left_out=self._left_out, folds_cut=self._cut())
        self.journal.save(status)


def main(arguments: Sequence[str]) -> int:
    """Run the kernel; see the module's docstring for the arguments. Returns the exit status."""
    bundle, inputs, working, scratch = map(Path, arguments[:4])
    start, limit_s = map(float, arguments[4:])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        kernel = Kernel(bundle, inputs, working, scratch, Deadline(start, limit_s))
        kernel.fall_back()
    except FoldshipError as error:
        print(f"error: {error}", flush=True)
        return 1
    except (OSError, MemoryError) as error:
        trouble = FoldshipError(
            f"{working}: no submission could be made",
            found=repr(error),
            fix="free space on its disk, or memory, and run the kernel again",
        )
        print(f"error: {trouble}", flush=True)
        return 1
    except Exception as error:
        print(
            f"error: no model could be run, for what nobody foresaw: {type(error).__name__}: {error}\n"
            f"  fix:      report it with this log\nDetails:\n{traceback.format_exc()}",
            flush=True,
        )
        return 1
    try:
        kernel.predict(frugal=bool(os.environ.get(supervise.FRUGAL)))
    except FoldshipError as error:
        kernel.journal.loud(str(error))
    except Exception as error:  # the last line of defence: the submission on disk is still the best there is
        kernel.journal.loud(
            f"Something that nobody foresaw ended the predictions: {type(error).__name__}: {error}\n"
            f"The submission that was written last is kept. Details:\n{traceback.format_exc()}"
        )
    return kernel.finish()


def _end_with_parent() -> None:
    os.read(0, 1)  # returns when the supervisor is gone, however it ended
    os._exit(1)


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)  # tearing down interpreter and sessions takes seconds, and can crash
