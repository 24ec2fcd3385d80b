"""What a competition is to the kernel: `task.Task`, which `bundle.json` holds; no competition has code here
but for what cannot be said in settings.
"""

from foldship_kernel.tasks.task import CLASSES, NUMBERS, Task

__all__ = ["CLASSES", "NUMBERS", "Task"]
