"""Entry of the `foldship` program."""

from __future__ import annotations

import errno
import importlib
import logging
import os
import sys
import threading

import click

from foldship import secrets
from foldship.kaggle_client import credentials
from foldship.training import failed_threads
from foldship_kernel.errors import FoldshipError

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


# What a file system may answer at any time, whatever the verb was doing.
_REMEDIES = {
    errno.ENOSPC: "free some space and run the same command again; what was finished is kept",
    errno.EDQUOT: "free some of your quota and run the same command again; what was finished is kept",
    errno.EACCES: "give yourself the right to read or write it; FOLDSHIP_ROOT names a project of your own",
    errno.EROFS: "the disk is mounted read-only: set FOLDSHIP_ROOT to a writable copy of the project",
}


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"foldship.cli.{name}").command
        return command

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
    """Run the program; a known error ends it with a message that says what to do, and status 1."""
    # The tokenizers library warns about forks, and bitsandbytes about kernels that only 4-bit training on a
    # CPU would use: neither concerns anyone here.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    threading.excepthook = failed_threads.tell
    credentials.learn()
    secrets.guard()
    try:
        program(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit("stopped; run the same command again to go on")
    except FoldshipError as error:
        sys.exit(f"\nerror: {error}")
    except OSError as error:
        if error.errno not in _REMEDIES:
            raise
        place = error.filename or "a file"
        sys.exit(f"\nerror: {place}: {os.strerror(error.errno)}\n  fix:      {_REMEDIES[error.errno]}")


if __name__ == "__main__":
    main()
