"""Bubblewrap, the sandbox of Flatpak: https://github.com/containers/bubblewrap."""

from __future__ import annotations

import shutil
from pathlib import Path

from foldship.rehearsal.mechanisms import host
from foldship.rehearsal.mechanisms.base import IMAGE, Launch, Setting, guarded, supervise


class Bubblewrap:
    """`bwrap` with every namespace it knows."""

    name = "bubblewrap"
    isolated = True

    def missing(self) -> str:
        return "" if shutil.which("bwrap") else "the program `bwrap` (package bubblewrap) is not installed"

    def launch(self, setting: Setting) -> Launch:
        python = f"{IMAGE}/bin/python"
        room = setting.room
        mounts: list[tuple[str, list[str]]] = [("/dev", ["--dev", "/dev"]), ("/proc", ["--proc", "/proc"])]
        for scratch in room.scratches:
            size = ["--perms", "0777", "--size", str(scratch.size)]
            mounts.append((scratch.target, [*size, "--tmpfs", scratch.target]))
        for bind in (*host.binds(setting.image), *room.binds):
            kind = "--bind" if bind.writable else "--ro-bind"
            mounts.append((bind.target, [kind, str(bind.source), bind.target]))
        for name, target in host.links().items():
            mounts.append((name, ["--symlink", target, name]))
        for number, (name, text) in enumerate(host.FILES.items()):
            source = Path(setting.scratch) / f"file{number}"
            source.write_text(text, encoding="utf-8")
            mounts.append((name, ["--ro-bind", str(source), name]))
        # Parents before children, so that none hides another.
        mounts.sort(key=lambda item: (item[0].count("/"), item[0]))
        command = [
            shutil.which("bwrap") or "bwrap",
            *("--unshare-all", "--die-with-parent", "--as-pid-1", "--new-session", "--clearenv"),
            *("--uid", "0", "--gid", "0", "--cap-drop", "ALL", "--hostname", "kaggle"),
            *(argument for _, arguments in mounts for argument in arguments),
            *("--remount-ro", "/", "--setenv", "PATH", room.environment["PATH"], "--"),
            *supervise(python, setting, kernel_python=python),
        ]
        return guarded(command, room)
