"""What is said of threads that fail."""

from __future__ import annotations

import threading


def tell(failure: threading.ExceptHookArgs) -> None:
    """Leave it to the main thread to say that TensorBoard's writer failed: the writer raises there again.

    For `threading.excepthook`, in the program and in the processes of its folds.
    """
    if not type(failure.thread).__module__.startswith("tensorboard."):
        threading.__excepthook__(failure)
