"""Build a room like Kaggle's out of mounts, move into it for good, and start a program there.

    unshare --user --map-root-user --mount --net --pid --ipc --uts --fork python enter.py '<JSON of a plan>'

The plan names the mount point of the new root, read-only and writable bind mounts, temporary file systems
with their sizes, symbolic links, text files and the program to start. Only what it names exists afterwards.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import re
import socket
import struct
import sys
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
# From <sys/mount.h>.
RDONLY, NOSUID, NODEV, NOEXEC, NOATIME, NODIRATIME, RELATIME = 1, 2, 4, 8, 1024, 2048, 1 << 21
REMOUNT, BIND, REC, DETACH = 32, 4096, 16384, 2
OPTIONS = {
    "ro": RDONLY,
    "nosuid": NOSUID,
    "nodev": NODEV,
    "noexec": NOEXEC,
    "noatime": NOATIME,
    "nodiratime": NODIRATIME,
    "relatime": RELATIME,
}
# From <linux/prctl.h>, <linux/if.h> and <bits/ioctls.h>.
PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 23, 24, 38
IFF_UP, SIOCGIFFLAGS, SIOCSIFFLAGS = 1, 0x8913, 0x8914
DEVICES = ("null", "zero", "full", "random", "urandom")
STATIC_PROC = ("cpuinfo", "meminfo", "stat", "version")


def main() -> None:
    plan = json.loads(sys.argv[1])
    root = Path(plan["root"])
    mount("tmpfs", root, "tmpfs", NOSUID | NODEV, "mode=0755")
    binds = [(bind["target"], bind) for bind in plan["binds"]]
    scratches = [(scratch["target"], scratch) for scratch in plan["scratches"]]
    # Parents before children, so that none hides another.
    for target, what in sorted(binds + scratches, key=lambda item: (item[0].count("/"), item[0])):
        place = root / target.lstrip("/")
        if "size" in what:
            place.mkdir(parents=True, exist_ok=True)
            mount("tmpfs", place, "tmpfs", NOSUID | NODEV, f"mode=0777,size={what['size']}")
        else:
            bind(Path(what["source"]), place, read_only=not what["writable"])
    for name, target in plan["links"].items():
        place_of(root, name).symlink_to(target)
    for name, text in plan["files"].items():
        place_of(root, name).write_text(text)
    devices(root / "dev")
    processes(root / "proc")
    bring_up_loopback()
    socket.sethostname("kaggle")
    os.chdir(root)
    check(LIBC.pivot_root(b".", b"."), "pivot_root")
    check(LIBC.umount2(b".", DETACH), "leaving the old root")
    os.chdir("/")
    mount("none", Path("/"), None, REMOUNT | BIND | RDONLY | NOSUID | NODEV, None)
    give_up_privileges()
    os.execve(plan["program"][0], plan["program"], plan["environment"])


def mount(source: str, target: Path, kind: str | None, flags: int, data: str | None) -> None:
    result = LIBC.mount(
        source.encode(),
        os.fsencode(target),
        kind and kind.encode(),
        ctypes.c_ulong(flags),
        data and data.encode(),
    )
    check(result, f"mounting {source} on {target}")


def check(result: int, what: str) -> None:
    if result:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def bind(source: Path, target: Path, *, read_only: bool) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(str(source), target, None, BIND | REC, None)
    if read_only:
        for place, flags in mounts_below(target):
            mount("none", place, None, REMOUNT | BIND | RDONLY | flags, None)


def mounts_below(target: Path) -> list[tuple[Path, int]]:
    """Mount points at and below `target` with the flags they have; those may not be taken away."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split(" ")
        place = Path(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), fields[4]))
        if place == target or target in place.parents:
            options = fields[5].split(",")
            found.append((place, sum(OPTIONS.get(option, 0) for option in set(options) - {"ro"})))
    return found


def place_of(root: Path, name: str) -> Path:
    place = root / name.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def devices(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in DEVICES:
        (folder / name).touch()
        mount(f"/dev/{name}", folder / name, None, BIND, None)
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        (folder / name).symlink_to(f"/proc/self/{target}")


def processes(folder: Path) -> None:
    """Mount /proc; where a container forbids it, at least what does not change."""
    folder.mkdir(exist_ok=True)
    try:
        mount("proc", folder, "proc", NOSUID | NODEV | NOEXEC, None)
    except PermissionError:
        for name in STATIC_PROC:
            (folder / name).write_bytes(Path("/proc", name).read_bytes())


def bring_up_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def give_up_privileges() -> None:
    """The next program has no capability, so that it cannot undo a mount."""
    capability = 0
    while LIBC.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
        check(LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "giving up a capability")
        capability += 1
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "giving up new privileges")


if __name__ == "__main__":
    main()
