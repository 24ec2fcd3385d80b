"""Whose account it is, and keeping the key to oneself.

Looks where the `kaggle` package looks, in its order, without importing it: the package signs in when it is
imported, and ends the program when it finds nothing. Source: `KaggleApi.authenticate`, and
https://www.kaggle.com/docs/api#authentication.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foldship import secrets

TOKEN, USERNAME, KEY = "KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY"
FOLDER = "KAGGLE_CONFIG_DIR"
# All places, in the order in which they are looked at.
PLACES = (
    f"{TOKEN} (a token, or the name of a file with one); ~/.kaggle/access_token; {USERNAME} and {KEY}; "
    f"kaggle.json in {FOLDER}, ~/.kaggle or ~/.config/kaggle; ~/.kaggle/credentials.json, of `kaggle auth "
    "login`"
)


@dataclass(frozen=True)
class Credentials:
    """An account, as far as it is known before the first call.

    Attributes:
        source: where the credentials were found, for people.
        username: of the account; None where only Kaggle knows it.
        secrets: keys and tokens, without white space around them; never shown.
        path: file that holds them; None if they came from the environment.
        token: the one that takes the place of name and key; None where there is none.
    """

    source: str
    username: str | None
    secrets: tuple[str, ...] = field(repr=False)
    path: Path | None = None
    token: str | None = field(default=None, repr=False)

    @property
    def fault(self) -> str:
        """Why Kaggle cannot take them, such as characters that no key has; "" where nothing is wrong."""
        for secret in self.secrets:
            for place, character in enumerate(secret, 1):
                if not "!" <= character <= "~":
                    code = f"U+{ord(character):04X}"
                    return f"character {place} of {len(secret)} is {code}, which no key or token has"
        return ""


def find(environment: Mapping[str, str] | None = None, home: Path | None = None) -> Credentials | None:
    """What the `kaggle` package will use, from now on known to `foldship.secrets`; None if there is none.

    Args:
        environment: variables; those of this process if not given.
        home: home folder; the user's if not given.
    """
    found = _find(os.environ if environment is None else environment, Path.home() if home is None else home)
    if found is not None:
        secrets.register(found.secrets)
    return found


def username(environment: Mapping[str, str] | None = None, home: Path | None = None) -> str | None:
    """The user's name, as far as this machine knows it; with or without a key. Arguments as of `find`."""
    environment = os.environ if environment is None else environment
    home = Path.home() if home is None else home
    stored = (_config(environment, home) / "kaggle.json", home / ".kaggle" / "credentials.json")
    names = (environment.get(USERNAME), *(_json(path).get("username") for path in stored))
    return next((name.strip() for name in names if isinstance(name, str) and name.strip()), None)


def learn(environment: MutableMapping[str, str] | None = None, home: Path | None = None) -> None:
    """Make the secrets of all places known to `foldship.secrets`, and take line ends off the variables.

    The `kaggle` package sends a variable as it is: with a line end, it is shown in an error instead.
    """
    environment = os.environ if environment is None else environment
    home = Path.home() if home is None else home
    for name in (TOKEN, USERNAME, KEY):
        if environment.get(name, "") != environment.get(name, "").strip():
            environment[name] = environment[name].strip()
    stored, oauth = (
        _json(_config(environment, home) / "kaggle.json"),
        _json(home / ".kaggle/credentials.json"),
    )
    token = environment.get(TOKEN, "")
    secrets.register(
        [
            _content(token) or token,  # the name of a file is no secret
            *(environment.get(name, "") for name in (KEY, "KAGGLE_IAP_TOKEN")),
            *(_content(home / ".kaggle" / name) for name in ("access_token", "access_token.txt")),
            *(str(found.get("key") or "") for found in (stored, _json(home / ".kaggle/kaggle.json"))),
            *(str(oauth.get(name) or "") for name in ("refresh_token", "access_token")),
        ]
    )


def _find(environment: Mapping[str, str], home: Path) -> Credentials | None:
    token = environment.get(TOKEN, "").strip()
    if token:
        content = _content(token)  # it may name a file
        file = Path(token) if content else None
        return Credentials(TOKEN, None, (content or token,), file, content or token)
    for name in ("access_token", "access_token.txt"):
        token = _content(home / ".kaggle" / name)
        if token:
            return Credentials(f"~/.kaggle/{name}", None, (token,), home / ".kaggle" / name, token)
    path = _config(environment, home) / "kaggle.json"
    stored = _json(path)
    # An empty variable overrides the file, too.
    username = str(environment.get(USERNAME, stored.get("username") or "")).strip()
    key = str(environment.get(KEY, stored.get("key") or "")).strip()
    if username and key:
        if environment.get(KEY):
            return Credentials(f"{USERNAME} and {KEY}", username, (key,))
        return Credentials(str(path), username, (key,), path)
    path = home / ".kaggle" / "credentials.json"
    oauth = _json(path)
    if oauth.get("refresh_token"):
        found = tuple(
            str(oauth[name]).strip() for name in ("refresh_token", "access_token") if oauth.get(name)
        )
        return Credentials("~/.kaggle/credentials.json", oauth.get("username"), found, path)
    return None


def _config(environment: Mapping[str, str], home: Path) -> Path:
    if environment.get(FOLDER):
        return Path(environment[FOLDER])
    if (home / ".kaggle").is_dir():
        return home / ".kaggle"
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "kaggle"


def _content(path: Path | str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig").strip() if path else ""
    except (OSError, ValueError):
        return ""


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
