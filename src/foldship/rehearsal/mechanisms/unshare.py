"""Namespaces of our own, by util-linux' `unshare`: on any Linux that lets its users have them."""

from __future__ import annotations

import json
import os
import shutil
from importlib import resources

from foldship.rehearsal.mechanisms import host
from foldship.rehearsal.mechanisms.base import IMAGE, Launch, Setting, guarded, supervise

NAMESPACES = ("--mount", "--net", "--pid", "--ipc", "--uts")


class Unshare:
    """`unshare`, then `inside/enter.py`.

    Args:
        user_namespace: whether to take a user namespace too. Without one only root may do this; some
            containers and systems forbid user namespaces, even to root.
    """

    isolated = True

    def __init__(self, *, user_namespace: bool = True) -> None:
        self.name = "unshare" if user_namespace else "unshare as root"
        self._user_namespace = user_namespace

    def missing(self) -> str:
        if not shutil.which("unshare"):
            return "the program `unshare` (util-linux) is not installed"
        if not self._user_namespace and os.geteuid():
            return "only root may do without a user namespace"
        return ""

    def launch(self, setting: Setting) -> Launch:
        python = f"{IMAGE}/bin/python"
        root = setting.scratch / "root"
        root.mkdir()
        room = setting.room
        plan = {
            "root": str(root),
            "binds": [
                {"source": str(bind.source), "target": bind.target, "writable": bind.writable}
                for bind in (*host.binds(setting.image), *room.binds)
            ],
            "scratches": [{"target": scratch.target, "size": scratch.size} for scratch in room.scratches],
            "links": host.links(),
            "files": host.FILES,
            "program": supervise(python, setting, kernel_python=python),
            "environment": {"PATH": room.environment["PATH"]},
        }
        enter = resources.files("foldship.rehearsal.inside").joinpath("enter.py").read_text("utf-8")
        user = ("--user", "--map-root-user") if self._user_namespace else ()
        command = [
            shutil.which("unshare") or "unshare",
            *user,
            *NAMESPACES,
            "--fork",
            "--kill-child",
            str(setting.image.interpreter.program),
            "-I",
            "-S",
            "-c",
            enter,
            json.dumps(plan),
        ]
        return guarded(command, room)
