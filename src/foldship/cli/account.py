"""Whose name the kernel and its datasets bear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from foldship.shipping.settings import KernelConfig


def owned(kernel: KernelConfig) -> KernelConfig:
    """The settings with an owner: as they say, as the credentials say, or as Kaggle says of the token.

    Kaggle is asked only where there is a token and no name. Where it cannot tell, the owner stays open, and a
    line says what to set.
    """
    from foldship.kaggle_client import credentials
    from foldship.kaggle_client.answers import KaggleError
    from foldship.kaggle_client.connection import Connection
    from foldship.kaggle_client.retry import Patience

    found = None if kernel.owner or credentials.username() else credentials.find()
    if found is None:
        return kernel
    try:
        connection = Connection(lambda text: click.echo(text, err=True), Patience(attempts=2))
    except KaggleError as error:
        reason = ": ".join(filter(None, (error.what, error.found)))
        click.echo(
            f"note: Kaggle was asked whose token {found.source} is, in vain ({reason}): set `owner` in "
            f"kernel.yaml, or {credentials.USERNAME}, to what the address of your profile ends with, and run "
            "it again",
            err=True,
        )
        return kernel
    click.echo(f"owner: {connection.owner}, whose token {found.source} is", err=True)
    return kernel.model_copy(update={"owner": connection.owner})
