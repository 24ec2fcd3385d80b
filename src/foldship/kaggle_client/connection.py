"""One signed-in connection: every call retried, every answer read, every error in plain words.

The `kaggle` package is imported only once there are credentials: it signs in when it is imported.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeVar

import requests

from foldship import secrets
from foldship.kaggle_client import credentials
from foldship.kaggle_client.answers import (
    AGAIN,
    MOST_WORDS,
    AnswerLostError,
    KaggleError,
    message_of,
    remedy,
    status_of,
)
from foldship.kaggle_client.retry import PASSING, Patience, passing, repeat

T = TypeVar("T")
NOT_FOUND, TOO_MANY = 404, 429
# What Kaggle answers of an item of one's own that does not exist yet.
ABSENT = (403, NOT_FOUND)
# What the package says of every upload that goes well, and its advice to those without credentials.
CHATTER = ("Starting upload for file", "Upload successful:")


class Connection:
    """A connection to Kaggle.

    Args:
        say: told what people should know while they wait, and what the package prints or warns about; secrets
            are taken out before.
        patience: how often a call is tried, and how long to wait in between.

    Attributes:
        owner: user name of the account.

    Raises:
        KaggleError: there are no credentials, or Kaggle does not take them.
    """

    def __init__(self, say: Callable[[str], None], patience: Patience | None = None) -> None:
        credentials.learn()
        found = credentials.find()
        if found is None:
            raise KaggleError(
                "no Kaggle credentials",
                expected=credentials.PLACES,
                found="nothing in any of these places",
                fix="make a token on kaggle.com/settings, and put it into one of them, such as "
                f"`export {credentials.TOKEN}=...`",
            )
        if found.fault:
            raise KaggleError(
                f"the credentials in {found.source} cannot be Kaggle's",
                found=found.fault,
                fix="copy the token anew, without anything before, within or after it",
            )
        self.credentials = found
        self._say, self._patience = say, patience or Patience()
        self._told: set[str] = set()
        with contextlib.redirect_stdout(io.StringIO()):  # it tries to sign in, and prints how one does
            from foldship.kaggle_client.api import TimedApi

        self.api: Any = TimedApi(found.token)
        self.ask(f"sign in with {found.source}", self._sign_in)
        secrets.register([str(self.api.config_values.get(self.api.CONFIG_NAME_TOKEN) or "")])
        self.owner = str(self.api.config_values.get(self.api.CONFIG_NAME_USER) or "")

    def say(self, text: str) -> None:
        """Tell people, without any secret."""
        self._say(secrets.scrub(text))

    def ask(self, what: str, function: Callable[[Any], T]) -> T:
        """Call what may be called twice, until it answers.

        Args:
            what: the request, as in "what failed: to <what>".
            function: gets the SDK's client; see `kagglesdk.KaggleClient`.

        Raises:
            KaggleError: Kaggle refused, or could not be reached in the end.
        """
        try:
            return repeat(lambda: self._call(function), self._patience, self.say)
        except requests.RequestException as error:
            explained = self._explained(what, error)
            secrets.disarm(error)
            raise explained from error

    def find(
        self, what: str, function: Callable[[Any], T], absent: Collection[int] = (NOT_FOUND,)
    ) -> T | None:
        """As `ask`; None where Kaggle answers with a status of `absent`."""
        try:
            return self.ask(what, function)
        except KaggleError as error:
            if error.status in absent:
                return None
            raise

    def order(self, what: str, function: Callable[[Any], T]) -> T:
        """Call once what must not be done twice; only "too many calls" is tried again.

        Raises:
            AnswerLostError: it may have been carried out.
            KaggleError: Kaggle refused.
        """

        def once() -> T:
            try:
                return self._call(function)
            except requests.RequestException as error:
                if error.response is not None and status_of(error.response) == TOO_MANY:
                    raise  # not carried out, for sure
                if passing(error):
                    lost = AnswerLostError(
                        f"no answer to the request to {what}", found=_described(error), fix=AGAIN
                    )
                    secrets.disarm(error)
                    raise lost from error
                raise

        try:
            return repeat(once, self._patience, self.say)
        except requests.RequestException as error:
            explained = self._explained(what, error)
            secrets.disarm(error)
            raise explained from error

    def pages(self, what: str, request: Any, function: Callable[[Any], Any]) -> Iterator[Any]:
        """All pages of a listing.

        Args:
            what: as of `ask`.
            request: its `page_token` is set for each page.
            function: sends the request, and returns a page with `next_page_token`.

        Raises:
            KaggleError: as of `ask`.
        """
        request.page_token = ""
        while True:
            page = self.ask(what, function)
            yield page
            if not page.next_page_token or page.next_page_token == request.page_token:
                return
            request.page_token = page.next_page_token

    @contextlib.contextmanager
    def quietly(self) -> Iterator[io.StringIO]:
        """Keep what the package prints, and tell it afterwards: what it names, it may name with a signature.

        Of what it says over and over again, people are told once.
        """
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                yield printed
        finally:
            for line in map(str.strip, printed.getvalue().splitlines()):
                if line and line not in self._told and not line.startswith(CHATTER):
                    self._told.add(line)
                    self.say(f"Kaggle's client: {line}")

    def _call(self, function: Callable[[Any], T]) -> T:
        try:
            with self.quietly(), self.api.build_kaggle_client() as client:
                return function(client)
        except json.JSONDecodeError as error:  # such as the page of a proxy, with status 200
            raise requests.ConnectionError("the answer is not Kaggle's: it is no JSON") from error
        except (KaggleError, requests.RequestException):
            raise
        except Exception as error:  # whatever it is, it may name what was sent
            secrets.disarm(error)
            raise

    def _sign_in(self, _: Any) -> None:
        try:
            self.api.authenticate()
        except SystemExit:  # how the package says that nothing of what it found was taken
            raise KaggleError(
                f"Kaggle does not take the credentials in {self.credentials.source}",
                found="Kaggle does not know this token, or it is no longer valid",
                fix="make a new token on kaggle.com/settings and put it there",
            ) from None

    def _explained(self, what: str, error: requests.RequestException) -> KaggleError:
        response = error.response
        if response is None:
            return KaggleError(
                f"Kaggle cannot be reached to {what}",
                found=_described(error),
                fix=f"check the network; then {AGAIN}",
            )
        status = status_of(response)
        message = message_of(response) or _described(error)
        tried = f", {self._patience.attempts} times" if status in PASSING else ""
        return KaggleError(
            f"Kaggle refuses to {what}",
            found=f"{status}{tried}: {message}",
            fix=remedy(message, status),
            status=status,
        )


def _described(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"{error.response.reason or 'no words'}"
    return secrets.scrub(f"{type(error).__name__}: {error}".split("?")[0])[:MOST_WORDS]
