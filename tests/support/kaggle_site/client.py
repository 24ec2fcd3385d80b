"""The unmodified `kaggle` program, led to a site."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kaggle_site.site import Site

PROGRAM = Path(sys.executable).with_name("kaggle")


class Client:
    """Runs `kaggle` against a site."""

    def __init__(self, site: Site, **environment: str) -> None:
        """`environment` overrides the site's."""
        self.site = site
        self._environment = environment

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run it to its end, however it ends."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KAGGLE_")}
        return subprocess.run(
            [str(PROGRAM), *map(str, arguments)],
            env={**kept, **self.site.environment, **self._environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def prints(self, *arguments: str | Path) -> str:
        """What it prints; its exit status must be 0."""
        answer = self(*arguments)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout
