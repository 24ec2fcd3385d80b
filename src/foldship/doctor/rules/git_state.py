"""What is pushed can be found again: nothing that it was made of is uncommitted."""

from __future__ import annotations

import subprocess

from foldship.doctor.evidence import Evidence
from foldship.doctor.finding import Finding, Tally, UnaskedError
from foldship_kernel.errors import listed

NAME = "git state"
FOLDERS = ("kernels", "src")
TIMEOUT_S = 30.0


def check(push: Evidence) -> Finding:
    command = ["git", "-C", str(push.root), "status", "--porcelain", "--", *FOLDERS]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S, errors="replace"
        )
    except FileNotFoundError as error:
        raise UnaskedError("git is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise UnaskedError(f"git took more than {TIMEOUT_S:.0f} s") from error
    if result.returncode:
        raise UnaskedError("the project is no git repository")
    tally = Tally(NAME)
    changed = [line[3:] for line in result.stdout.splitlines()]
    if changed:
        tally.warn(f"not committed: {listed(changed)}", "commit, so that this score can be made again")
    tally.well("kernels/ and src/ are as committed")
    return tally.finding()
