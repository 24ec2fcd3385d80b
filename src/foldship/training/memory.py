"""Memory that malloc would keep for itself."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

STEPS = 20


class GiveBack(TrainerCallback):
    """Gives freed memory back to the system every `STEPS` steps.

    Batches differ in length, so the holes that one leaves in glibc's heap rarely fit the next, and the heap
    grows on and on: to 6 GiB over a fold of MiniLM on 256 tokens, of which less than 2 were in use.
    """

    def __init__(self, trim: Callable[[], None] | None = None) -> None:
        self._trim = trim or give_back

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        if state.global_step % STEPS == 0:
            self._trim()


def give_back() -> None:
    """Give the free parts of the heap back (https://man7.org/linux/man-pages/man3/malloc_trim.3.html)."""
    with suppress(OSError, AttributeError):  # another C library has its own ways
        ctypes.CDLL(None).malloc_trim(0)
