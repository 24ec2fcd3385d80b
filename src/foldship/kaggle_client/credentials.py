"""Whose account it is, and keeping the key to oneself.

Looks where the `kaggle` package looks, in its order, without importing it: the package signs in when it is
imported, and ends the program when it finds nothing. Source: `KaggleApi.authenticate`, and
https://www.kaggle.com/docs/api#authentication.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HIDDEN = "[hidden]"
LEAST_SECRET = 8  # characters; shorter strings stand in too many places by chance


@dataclass(frozen=True)
class Credentials:
    """An account, as far as it is known before the first call.

    Attributes:
        source: where the credentials were found, for people.
        username: of the account; None where only Kaggle knows it.
        secrets: keys and tokens; never shown.
        path: file that holds them; None if they came from the environment.
    """

    source: str
    username: str | None
    secrets: tuple[str, ...] = field(repr=False)
    path: Path | None = None

    def scrub(self, text: str) -> str:
        """`text` without any of the secrets."""
        for secret in self.secrets:
            if len(secret) >= LEAST_SECRET:
                text = text.replace(secret, HIDDEN)
        return text


def find(environment: Mapping[str, str] | None = None, home: Path | None = None) -> Credentials | None:
    """The credentials that the `kaggle` package will use; None if there are none.

    Args:
        environment: variables; those of this process if not given.
        home: home folder; the user's if not given.
    """
    environment = os.environ if environment is None else environment
    home = Path.home() if home is None else home
    token = environment.get("KAGGLE_API_TOKEN")
    if token:
        content = _content(Path(token))  # it may name a file
        file = Path(token) if content else None
        return Credentials("KAGGLE_API_TOKEN", None, (content or token,), file)
    for name in ("access_token", "access_token.txt"):
        token = _content(home / ".kaggle" / name)
        if token:
            return Credentials(f"~/.kaggle/{name}", None, (token,), home / ".kaggle" / name)
    path = _config(environment, home) / "kaggle.json"
    stored = _json(path)
    # An empty variable overrides the file, too.
    username = environment.get("KAGGLE_USERNAME", stored.get("username"))
    key = environment.get("KAGGLE_KEY", stored.get("key"))
    if username and key:
        if environment.get("KAGGLE_KEY"):
            return Credentials("KAGGLE_USERNAME and KAGGLE_KEY", str(username), (str(key),))
        return Credentials(str(path), str(username), (str(key),), path)
    path = home / ".kaggle" / "credentials.json"
    oauth = _json(path)
    if oauth.get("refresh_token"):
        secrets = tuple(str(oauth[name]) for name in ("refresh_token", "access_token") if oauth.get(name))
        return Credentials("~/.kaggle/credentials.json", oauth.get("username"), secrets, path)
    return None


def _config(environment: Mapping[str, str], home: Path) -> Path:
    if environment.get("KAGGLE_CONFIG_DIR"):
        return Path(environment["KAGGLE_CONFIG_DIR"])
    if (home / ".kaggle").is_dir():
        return home / ".kaggle"
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "kaggle"


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
