"""`foldship documents`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from foldship.cli import retrieving
from foldship.cli.context import open_context, shared_options
from foldship_kernel.errors import FoldshipError


@click.command()
@shared_options
def command(competition: str, data: Path | None, recipe: str) -> None:
    """Fetch the documents that a competition with retrieval names, and cut them into passages.

    Only what is missing is asked for, no faster than each host allows. docs/documents.md has the settings;
    they stand in competition.yaml under retrieval.fetching. The next `foldship train` takes the passages into
    the index; without them it holds the snippets that come with the competition's own rows.

    Stopped or killed, the same command goes on where it was. The status is 1 where hosts gave no answer that
    another run may bring.
    """
    from foldship.documents.collect import collect
    from foldship.documents.summary import lines

    context = open_context(competition, data, recipe)
    spec = context.competition.declared.retrieval
    if spec is None or not spec.documents:
        raise FoldshipError(
            f"{competition} names no documents",
            expected="retrieval, with the column of the documents, in competition.yaml",
            fix="declare it; docs/competitions.md lists all keys",
        )
    collected = collect(retrieving.addresses(context, spec), context.workspace.documents, spec.fetching)
    click.echo("\n".join(lines(collected)))
    if not collected.fetched.complete:
        sys.exit("error: not all hosts answered: see above")
