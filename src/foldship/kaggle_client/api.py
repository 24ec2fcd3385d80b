"""The `kaggle` package's API, with an end to waiting for an answer that never comes."""

from __future__ import annotations

from typing import Any

import requests
from kaggle.api.kaggle_api_extended import KaggleApi
from requests.adapters import HTTPAdapter

from foldship.kaggle_client.transfer import TIMEOUT_S


class TimedApi(KaggleApi):
    """The API, whose requests give up after `TIMEOUT_S`; as it comes, they wait for ever."""

    def build_kaggle_client(self) -> Any:
        """A client whose session has the time-out."""
        client = super().build_kaggle_client()
        http = client.http_client()
        http._init_session()  # no other way in: the session is made by the first call
        for scheme in ("http://", "https://"):
            http._session.mount(scheme, _Impatient())
        return client


class _Impatient(HTTPAdapter):
    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        options["timeout"] = options.get("timeout") or TIMEOUT_S
        return super().send(request, **options)
