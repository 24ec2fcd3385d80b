"""Docker with Kaggle's own image, where that has been pulled."""

from __future__ import annotations

import math
import os
import shutil
import subprocess

from foldship.rehearsal import memory, processors
from foldship.rehearsal.mechanisms.base import Launch, Setting, supervise

IMAGE = "gcr.io/kaggle-images/python"
ANSWER_S = 20
HELD_BY = "docker --memory (the peak is that of the largest process alone)"


class Docker:
    """`docker run` without network. The image is never pulled on the quiet: it is above 20 GB."""

    name = "docker"
    isolated = True

    def missing(self) -> str:
        docker = shutil.which("docker")
        if not docker:
            return "the program `docker` is not installed"
        try:
            answer = subprocess.run(
                [docker, "image", "inspect", "--format", "{{.Id}}", IMAGE],
                capture_output=True,
                text=True,
                timeout=ANSWER_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"`docker image inspect` does not answer: {error}"
        if answer.returncode:
            return f"no image {IMAGE} (`docker pull {IMAGE}`, above 20 GB): {answer.stderr.strip()[-200:]}"
        return ""

    def launch(self, setting: Setting) -> Launch:
        room = setting.room
        mounts = []
        for bind in room.binds:
            option = "" if bind.writable else ",readonly"
            mounts += ["--mount", f"type=bind,source={bind.source},target={bind.target}{option}"]
        for scratch in room.scratches:
            mounts += ["--tmpfs", f"{scratch.target}:rw,exec,mode=0777,size={scratch.size}"]
        shared, held = [], processors.EVERYTHING
        if room.cpus is not None:
            shared = ["--cpus", f"{room.cpus:g}", "--cpuset-cpus", f"0-{math.ceil(room.cpus) - 1}"]
            held = processors.Limit("docker --cpus and --cpuset-cpus")
        # The image's own packages stay: it is the real thing, torch and transformers included.
        program = supervise("python", setting, kernel_python="python", absent=())
        command = [
            shutil.which("docker") or "docker",
            *("run", "--rm", "--interactive", "--pull", "never", "--network", "none", "--read-only"),
            *("--user", f"{os.getuid()}:{os.getgid()}"),  # so that its files can be cleared away
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--hostname", "kaggle"),
            *("--memory", str(room.memory_bytes), "--memory-swap", str(room.memory_bytes)),
            *shared,
            *mounts,
            *("--entrypoint", program[0], IMAGE, *program[1:]),
        ]
        # The client finds its engine by variables and a configuration in the home folder.
        return Launch(command, memory.Unmeasured(HELD_BY), held, dict(os.environ))
