"""No sandbox at all, for machines where none can be had: only by asking for it, and the verdict says so."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from foldship.rehearsal.mechanisms.base import Launch, Setting, guarded, supervise
from foldship.rehearsal.room import INPUT, SOURCE, WORKING


class Bare:
    """The kernel runs on this machine as it is, told by variables where its folders are."""

    name = "none"
    isolated = False

    def missing(self) -> str:
        return ""

    def launch(self, setting: Setting) -> Launch:
        root = setting.scratch / "root"
        room = setting.room
        for bind in room.binds:
            if bind.target.startswith((INPUT, SOURCE)):
                # Not symbolic links: Kaggle's folders are none, and a search may not follow them.
                shutil.copytree(bind.source, _below(root, bind.target), copy_function=_link_or_copy)
        working = _below(root, WORKING)
        for folder in (working, root / "home", root / "tmp"):
            folder.mkdir(parents=True)
        environment = {
            **room.environment,
            "PATH": f"{setting.image.folder / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(root / "home"),
            "TMPDIR": str(root / "tmp"),
            "FOLDSHIP_INPUT": str(_below(root, INPUT)),
            "FOLDSHIP_WORKING": str(working),
        }
        python = str(setting.image.folder / "bin" / "python")
        command = supervise(
            python,
            setting,
            kernel_python=python,
            offline=False,
            working=str(working),
            script=str(_below(root, room.script)),
            environment=environment,
            check_mounts=False,
        )
        return guarded(command, room)


def _below(root: Path, target: str) -> Path:
    return root / target.lstrip("/")


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or not ours to link
        shutil.copy2(source, target)
