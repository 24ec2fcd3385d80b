"""The account on Kaggle: whether there are credentials, and whether Kaggle takes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from foldship.doctor.finding import UnaskedError
from foldship.kaggle_client import competitions, credentials
from foldship.kaggle_client.answers import KaggleError
from foldship.kaggle_client.competitions import Quota
from foldship.kaggle_client.connection import Connection
from foldship.kaggle_client.credentials import Credentials
from foldship.kaggle_client.retry import PASSING, Patience

NAME = "credentials"  # the rule that fails when Kaggle cannot be asked
# A doctor is not to be waited for as long as an upload.
PATIENCE = Patience(attempts=3)


@dataclass(frozen=True)
class Account:
    """What came of signing in.

    Attributes:
        credentials: that were found; None if there are none.
        problem: why Kaggle cannot be asked; None if it can.
        quota: GPU hours of this week; None where Kaggle does not tell.
    """

    credentials: Credentials | None = None
    problem: KaggleError | None = None
    quota: Quota | None = None
    signed_in: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The connection to Kaggle.

        Raises:
            UnaskedError: there is none.
        """
        if self.signed_in is None:
            raise UnaskedError(self.problem.what if self.problem else "not signed in", NAME)
        return self.signed_in


def sign_in(say: Callable[[str], None], patience: Patience = PATIENCE) -> Account:
    """Sign in, and make a first call: Kaggle's own package takes any name and key for good until then.

    Args:
        say: told what people should know while they wait.
        patience: how often a call is tried.
    """
    found = credentials.find()
    try:
        connection = Connection(say, patience)
        return Account(found, quota=_quota(connection), signed_in=connection)
    except KaggleError as error:
        return Account(found, error)


def unreachable(error: KaggleError) -> bool:
    """Whether Kaggle did not get to answer the question."""
    return error.status is None or error.status in PASSING


def _quota(connection: Connection) -> Quota | None:
    """The cheapest call that needs an account; an answer that something else is wrong will do."""
    try:
        return competitions.gpu_quota(connection)
    except KaggleError as error:
        if error.status == 401 or unreachable(error):
            raise
        return None
