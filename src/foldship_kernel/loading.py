"""Folds opened, the next one while the present one runs, if memory holds both."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from foldship_kernel import devices
from foldship_kernel.fold import ONNX_RUNTIME, Fold
from foldship_kernel.journal import Journal
from foldship_kernel.manifest import FoldEntry, ModelEntry
from foldship_kernel.parts import Files

SPARE = 2.0  # a fold is loaded ahead if so many times its memory is free

Key = tuple[str, int]


class Loader:
    """Opens folds.

    Args:
        files: where the bundle's files are.
        gpus: CUDA devices to use, or 0 for the CPU.
        journal: told when a fold could not be loaded ahead.
        frugal: whether to use as little memory as can be: nothing is loaded ahead, one thread runs.
    """

    def __init__(self, files: Files, gpus: int, journal: Journal, *, frugal: bool) -> None:
        self._files, self._journal, self._frugal = files, journal, frugal
        self.gpus = gpus
        self._plain = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="load")
        self._ahead: tuple[Key, Future[Fold]] | None = None
        self._present: tuple[Key, Fold] | None = None
        self._fold_bytes = 0

    def engine(self, model: ModelEntry) -> str:
        """Engine that runs the model where there is no GPU."""
        return ONNX_RUNTIME if self._plain else model.cpu_engine

    def open(self, model: ModelEntry, fold: FoldEntry) -> Fold:
        """The fold, which may be the present one, or have been loaded ahead."""
        if not self.at_hand(model, fold):
            self._present = None  # its memory goes before the next one comes
            self._present = (model.name, fold.fold), self._next(model, fold)
        assert self._present
        return self._present[1]

    def at_hand(self, model: ModelEntry, fold: FoldEntry) -> bool:
        """Whether the fold is the one that was opened last."""
        return self._present is not None and self._present[0] == (model.name, fold.fold)

    def load_ahead(self, model: ModelEntry, fold: FoldEntry) -> None:
        """Begin to load a fold, once, if memory suffices for it beside the present one."""
        if self._ahead and self._ahead[0] == (model.name, fold.fold):
            return  # the present fold is being read again, shorter
        if not self._frugal and devices.free_memory() > SPARE * self._fold_bytes:
            self._ahead = ((model.name, fold.fold), self._thread.submit(self._load, model, fold))

    def step_down(self, model: ModelEntry) -> bool:
        """Take a plainer device or engine from now on, since this one failed; False if there is none."""
        self._ahead = self._present = None
        if self.gpus:
            self.gpus = 0
        elif self.engine(model) != ONNX_RUNTIME:
            self._plain = True
        else:
            return False
        return True

    def _next(self, model: ModelEntry, fold: FoldEntry) -> Fold:
        ahead, self._ahead = self._ahead, None
        if ahead and ahead[0] == (model.name, fold.fold):
            try:
                return ahead[1].result()
            except Exception as error:  # there was no room beside the other fold: now there is
                self._journal.say(f"{model.name} fold {fold.fold} could not be loaded ahead: {error!r}")
        return self._load(model, fold)

    def _load(self, model: ModelEntry, fold: FoldEntry) -> Fold:
        before = devices.own_memory()
        opened = Fold(
            self._files.path(fold.encoder),
            self._files.path(fold.encoder_cpu),
            self._files.path(fold.head),
            gpus=self.gpus,
            cpu_engine=self.engine(model),
            workers=1 if self._frugal else None,
        )
        self._fold_bytes = max(self._fold_bytes, devices.own_memory() - before)
        return opened
