"""The inspection kernel: says what is in the image that it runs in, and on what machine.

Needs the standard library only, and no dataset. Prints JSON between two marker lines, and writes the same
to image.json in /kaggle/working; FOLDSHIP_WORKING names another folder. `make image IMPORT=image.json` keeps
that in the project.
"""

import datetime
import json
import os
import platform
import re
import runpy
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

WORKING = Path(os.environ.get("FOLDSHIP_WORKING", "/kaggle/working"))
BEGIN, END = "----- BEGIN FOLDSHIP IMAGE -----", "----- END FOLDSHIP IMAGE -----"
TOOLKIT = Path("/usr/local/cuda/version.json")
RUNTIME = re.compile(r"nvidia-cuda-runtime(?:-cu(\d+))?$")
GIB = 2**30


def packages() -> dict[str, str]:
    """Version by canonical name; of a package that is there twice, the one that is imported."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        with suppress(Exception):  # what an image holds in halves must not keep us from saying the rest
            name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
            if isinstance(distribution.version, str):
                found.setdefault(name, distribution.version)
    return dict(sorted(found.items()))


def cuda(installed: dict[str, str]) -> int | None:
    """Major version of the image's CUDA libraries; None without any.

    Not the driver's: that is the newest that it could serve, not what the image holds.
    """
    for told in (torch_cuda, lambda: libraries_cuda(installed), toolkit_cuda):
        with suppress(Exception):
            major = told()
            if major is not None:
                return major
    return None


def torch_cuda() -> int | None:
    """What `torch.version.cuda` says, without the seconds that importing torch takes."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    value = runpy.run_path(str(Path(spec.origin).with_name("version.py"))).get("cuda")
    return int(value.split(".")[0]) if value else None


def libraries_cuda(installed: dict[str, str]) -> int | None:
    """That of NVIDIA's packages, which carry it in their name or version."""
    for name, version in installed.items():
        match = RUNTIME.match(name)
        if match:
            return int(match[1] or version.split(".")[0])
    return None


def toolkit_cuda() -> int:
    """That of the toolkit that is installed without Python's doing."""
    return int(json.loads(TOOLKIT.read_text(encoding="utf-8"))["cuda"]["version"].split(".")[0])


def accelerators() -> list[dict[str, object]]:
    lines = nvidia_smi("--query-gpu=name,memory.total", "--format=csv,noheader,nounits").splitlines()
    counted = Counter(tuple(line.rsplit(", ", 1)) for line in lines if ", " in line)
    return [
        {"name": name, "count": count, "memory_gib": round(float(mebibytes) / 1024, 2)}
        for (name, mebibytes), count in counted.items()
    ]


def nvidia_smi(*options: str) -> str:
    """What the driver's own tool says; nothing where there is none."""
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(
            ["nvidia-smi", *options], capture_output=True, text=True, timeout=60, check=True
        ).stdout
    return ""


def glibc() -> str:
    with suppress(OSError, ValueError):
        words = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
        if len(words) == 2:
            return ".".join(words[1].split(".")[:2])
    return platform.libc_ver()[1]


def ram_gib() -> float | None:
    """Memory of the machine, or of the control group if that is less."""
    sizes = []
    with suppress(OSError, ValueError):
        sizes.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # "max" is no number
            sizes.append(int((Path("/sys/fs/cgroup") / name).read_text()))
    return round(min(sizes) / GIB, 2) if sizes else None


def image() -> dict[str, object]:
    """All that is known, under the keys of an image's profile."""
    installed = packages()
    devices = accelerators()
    on = " and ".join(f"{device['count']} x {device['name']}" for device in devices)
    return {
        "description": f"Python {platform.python_version()} on {os.cpu_count()} processors, {on or 'no GPU'}",
        "source": "printed by the inspection kernel",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "pythons": [f"{sys.version_info.major}.{sys.version_info.minor}"],
        "implementation": sys.implementation.name,
        "abiflags": sys.abiflags,
        "machine": platform.machine(),
        "glibc": glibc(),
        "cuda": cuda(installed),
        "packages": installed,
        "accelerators": devices,
        "limits": {"ram_gib": ram_gib(), "working_gib": round(shutil.disk_usage(WORKING).total / GIB, 2)},
    }


def main() -> None:
    text = json.dumps(image(), indent=1)
    print(f"{BEGIN}\n{text}\n{END}", flush=True)
    (WORKING / "image.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
