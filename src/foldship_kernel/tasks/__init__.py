"""What differs between competitions aboard: one module each, found by name."""

from __future__ import annotations

from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import quest
from foldship_kernel.tasks.base import Task

_TASKS: dict[str, Task] = {quest.NAME: quest}
NAMES = tuple(_TASKS)


def get(name: str) -> Task:
    """Return the task called `name`.

    Raises:
        FoldshipError: there is no such task.
    """
    if name not in _TASKS:
        raise FoldshipError(
            f"unknown competition '{name}'",
            expected=", ".join(NAMES),
            found=name,
            fix="name one of these",
        )
    return _TASKS[name]
