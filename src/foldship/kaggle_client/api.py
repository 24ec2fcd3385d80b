"""The `kaggle` package's API, with an end to waiting for an answer that never comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from kaggle.api.kaggle_api_extended import KaggleApi
from requests.adapters import HTTPAdapter

from foldship.kaggle_client.transfer import TIMEOUT_S


class TimedApi(KaggleApi):
    """The API, whose requests give up after `TIMEOUT_S`; as it comes, they wait for ever.

    Args:
        token: to sign in with, instead of a name and a key. The package itself would take
            `KAGGLE_API_TOKEN` for the name of a file first, which a long token breaks; and it sends line ends
            along.
    """

    def __init__(self, token: str | None) -> None:
        super().__init__()
        self._token = token
        self.config_values = {} if token is None else {self.CONFIG_NAME_TOKEN: token}

    def build_kaggle_client(self) -> Any:
        """A client whose session has the time-out."""
        client = super().build_kaggle_client()
        http = client.http_client()
        http._init_session()  # no other way in: the session is made by the first call
        for scheme in ("http://", "https://"):
            http._session.mount(scheme, _Impatient())
        return client

    def with_retry(self, func: Callable[..., Any], *_: Any, **__: Any) -> Callable[..., Any]:
        """The function itself: the connection repeats, and understands every Retry-After."""
        return func

    def _load_config(self) -> None:
        super()._load_config()
        for name, value in self.config_values.items():
            self.config_values[name] = value.strip() if isinstance(value, str) else value
        if self._token is not None:
            self.config_values[self.CONFIG_NAME_TOKEN] = self._token

    def _authenticate_with_access_token(self) -> bool:
        if self._token is None:
            return False
        owner = self._introspect_token(self._token)
        if not owner:  # nothing else is tried: the package would send the token all the same
            raise SystemExit(1)
        self.config_values[self.CONFIG_NAME_USER] = owner
        return True


class _Impatient(HTTPAdapter):
    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        options["timeout"] = options.get("timeout") or TIMEOUT_S
        return super().send(request, **options)
