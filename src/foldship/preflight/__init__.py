"""What can be known before training: questions to the competition's files and to the machine, one a module.

A question yields findings, a refusal or a note each. All are asked before any is shown, so that nobody mends
one fault an hour. What other stages know of themselves, they are asked by the program.
"""

from foldship.preflight.answers import Answers, Finding, RefusedError, note, refusal

__all__ = ["Answers", "Finding", "RefusedError", "note", "refusal"]
