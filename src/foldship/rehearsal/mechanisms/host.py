"""What of this machine's own system a sandbox needs: libraries, the interpreter, a few files."""

from __future__ import annotations

from pathlib import Path

from foldship.rehearsal.image import Image
from foldship.rehearsal.mechanisms.base import IMAGE
from foldship.rehearsal.room import Bind

SYSTEM = Path("/usr")
# On most systems these are links into /usr.
ROOT_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64")
SHARED = ("/etc/ld.so.cache", "/etc/alternatives", "/sys/devices/system/cpu")
FILES = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "/etc/group": "root:x:0:\n",
    "/etc/hosts": "127.0.0.1 localhost kaggle\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    # An address kept for documentation: queries have no way to go and fail at once, and are counted.
    "/etc/resolv.conf": "nameserver 192.0.2.1\n",
}


def binds(image: Image) -> list[Bind]:
    """Read-only parts of this machine."""
    found = [Bind(SYSTEM, str(SYSTEM)), Bind(image.folder, IMAGE)]
    folders = (Path("/", name) for name in ROOT_FOLDERS)
    found += [Bind(folder, str(folder)) for folder in folders if folder.is_dir() and not folder.is_symlink()]
    found += [
        Bind(prefix, str(prefix))
        for prefix in image.interpreter.prefixes
        if not prefix.is_relative_to(SYSTEM)
    ]
    return found + [Bind(Path(name), name) for name in SHARED if Path(name).exists()]


def links() -> dict[str, str]:
    """Symbolic links by path: what each points to."""
    folders = (Path("/", name) for name in ROOT_FOLDERS)
    return {str(folder): str(folder.readlink()) for folder in folders if folder.is_symlink()}
