"""Entry of the `foldship` program."""

from __future__ import annotations

import difflib
import importlib

import click

from foldship import secrets
from foldship.cli import running
from foldship.kaggle_client import credentials

# Subcommand -> module; a module is imported only when its verb runs, so that --help stays quick.
VERBS = {
    "documents": "Fetch the documents that a competition with retrieval names, politely.",
    "check": "Ask all that can be known before training, and train nothing.",
    "train": "Train the fold models and write their out-of-fold predictions.",
    "adopt": "Take models that were trained elsewhere, by any script, as if they were trained here.",
    "runs": "List what was tried and what it scored, compare two runs, repeat one.",
    "bundle": "Merge, export and bundle the trained folds into one offline kernel.",
    "simulate": "Run the bundle in a sealed sandbox laid out like Kaggle, and check everything.",
    "doctor": "Ask, before anything is spent, what would go wrong on Kaggle.",
    "push": "Upload the bundle, run it on Kaggle, and compare with the rehearsal.",
    "submission": "Everything: train, bundle, simulate. Leaves submission.csv.",
    "calibrate": "Make a kernel that measures Kaggle's machine, or keep what it measured.",
    "image": "Make a kernel that says what Kaggle's image holds, or keep what it said.",
    "new": "Write a first version of a competition of your own from its training file.",
    "report": "Write one HTML page with the scores, pictures and tables of the last run.",
    "sample": "Write the generated sample data, to look at or to try things on.",
}


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"foldship.cli.{name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in VERBS and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0].lower(), VERBS, 1)
            hint = f"did you mean {close[0]}?" if close else f"the verbs are {', '.join(VERBS)}"
            ctx.fail(f"there is no verb {args[0]!r}: {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands, in the order of the work"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="foldship")
def program() -> None:
    """Package fold models into an offline kernel that stays inside the run-time limit.

    The whole way on generated sample data, a few minutes on two cores:

        foldship submission

    With your own competition files:

        foldship submission --data ~/google-quest-challenge --recipe full
    """


def main() -> None:
    """Run the program; a failure ends it with a message that says what to do, and status 1."""
    credentials.learn()
    secrets.guard()
    running.run(program, "foldship")


if __name__ == "__main__":
    main()
