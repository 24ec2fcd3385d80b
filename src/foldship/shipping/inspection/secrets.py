"""Credentials and traces of the machine, which must not be uploaded with a bundle.

One rule is one entry of a table. A finding shows at most four characters of what was found by its form, which
are mostly the issuer's, and nothing of a variable's value.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from foldship.shipping import graphs
from foldship.shipping.inspection.finding import SECRET, Finding
from foldship_kernel.errors import FoldshipError

SHOWN = 4  # characters of a secret
SHORTEST = 8  # characters of a variable's value that is looked for
TEXT = frozenset({".json", ".py", ".txt", ".yaml", ".yml"})
GRAPH, WHEEL, TOKENIZERS = ".onnx", ".whl", "tokenizers"
# Variables whose values are secret.
VARIABLES = (
    "KAGGLE_KEY",
    "KAGGLE_API_TOKEN",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "WANDB_API_KEY",
)
REVOKE = "take it out of the file and revoke it at its issuer: it may have been copied"
REMOVE = "take the file out of the bundle's inputs"
RELATIVE = "write a path relative to the project instead, and bundle again"

# Names of files and folders that hold credentials, in lower case.
NAMES = (
    "kaggle.json",
    "access_token*",
    ".env",
    ".env.*",
    "*.env",
    ".netrc",
    "_netrc",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.ppk",
    "*.jks",
    "*.keystore",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".htpasswd",
    ".aws",
    ".ssh",
    ".kaggle",
    "credentials",
    "credentials.*",
    "*credentials*.json",
    "client_secret*.json",
    "service-account*.json",
    "service_account*.json",
    "token",
    "*.token",
    "secrets.*",
)


@dataclass(frozen=True)
class Pattern:
    """Text that gives a credential away, or a person's folder.

    Attributes:
        what: the kind.
        expression: what it looks like.
        fix: the remedy.
        prose: whether it may also turn up in a tokenizer's vocabulary, by chance.
    """

    what: str
    expression: re.Pattern[str]
    fix: str = REVOKE
    prose: bool = False


def _pattern(what: str, expression: str, fix: str = REVOKE, *, prose: bool = False) -> Pattern:
    return Pattern(what, re.compile(expression), fix, prose)


PATTERNS = (
    _pattern("a Kaggle API token", r"\bKGAT_[A-Za-z0-9_-]{16,}"),
    _pattern("a Kaggle API key", r"""(?i)["']key["']\s*:\s*["'][0-9a-f]{32}["']"""),
    _pattern("a Kaggle API key", r"""(?i)\bKAGGLE_KEY["'\])=:,\s]{1,9}[0-9a-f]{32}\b"""),
    _pattern("a private key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    _pattern("an AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    _pattern("an AWS secret key", r"""(?i)aws_secret_access_key["']?\s*[=:]\s*["']?[A-Za-z0-9/+=]{40}\b"""),
    _pattern("a Google API key", r"\bAIza[0-9A-Za-z_-]{35}"),
    _pattern("a Google OAuth secret", r"\bGOCSPX-[0-9A-Za-z_-]{20,}|\bya29\.[0-9A-Za-z_-]{20,}"),
    _pattern("a Hugging Face token", r"\b(?:hf_|api_org_)[A-Za-z0-9]{30,}\b"),
    _pattern("a GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{40,}"),
    _pattern("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    _pattern("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    _pattern("an OpenAI or Anthropic key", r"\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,}"),
    _pattern("a PyPI token", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{20,}"),
    _pattern("a password in an address", r"\b[a-z][a-z0-9+.-]*://[^/\s:@\"']+:[^/\s:@\"']+@[\w.-]+"),
    _pattern("a home folder", r"(?<![\w.])/(?:home|Users)/[A-Za-z0-9._-]+/", RELATIVE, prose=True),
    _pattern("a home folder", r"(?<![\w.])/root/", RELATIVE, prose=True),
    _pattern("a home folder", r"(?i)\b[a-z]:[\\/]{1,4}Users[\\/]{1,4}[^\\/\"'\s]+", RELATIVE, prose=True),
)


@dataclass(frozen=True)
class Machine:
    """What of the machine that builds must not be in a bundle.

    Attributes:
        secret_values: by variable.
        paths: folders, absolute.
    """

    secret_values: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[Path, ...] = ()

    @classmethod
    def this(cls, *roots: Path, environment: Mapping[str, str] = os.environ) -> Machine:
        """The machine that runs this: secrets of the environment, the home folder and `roots`."""
        values = {name: environment.get(name, "").strip() for name in VARIABLES}
        return cls(
            {name: value for name, value in values.items() if len(value) >= SHORTEST},
            # A home such as / or /root is not a person's own: the patterns know it.
            tuple(path for path in (Path.home(), *roots) if len(path.parts) > 2),
        )


def check(folder: Path, files: Sequence[Path], machine: Machine) -> Iterator[Finding]:
    """What of some files gives away a credential or a folder of a person."""
    for path in files:
        name = path.relative_to(folder).as_posix()
        yield from _by_name(name)
        if path.suffix == WHEEL or path.is_symlink():  # made by others, and public
            continue
        yield from _by_value(path, name, machine)
        own = [_own(place) for place in machine.paths]
        patterns = [pattern for pattern in PATTERNS if not (pattern.prose and name.startswith(TOKENIZERS))]
        if path.suffix == GRAPH:
            yield from _in_graph(path, name, [*own, *patterns])
        elif path.suffix in TEXT:
            text = path.read_text(encoding="utf-8", errors="replace")
            yield from _in_text(text, name, [*own, *patterns])


def _by_name(name: str) -> Iterator[Finding]:
    for part in Path(name.lower()).parts:
        if any(fnmatch(part, pattern) for pattern in NAMES):
            yield Finding(name, "has the name of a file with credentials", REMOVE, SECRET)
            return


def _by_value(path: Path, name: str, machine: Machine) -> Iterator[Finding]:
    """Values of variables, in any file: also in the middle of a binary one."""
    if not path.stat().st_size:
        return
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for variable, value in machine.secret_values.items():
            place = content.find(value.encode())
            if place >= 0:
                line = content[:place].count(b"\n") + 1 if path.suffix in TEXT else None
                yield Finding(name, f"the value of {variable}", REVOKE, SECRET, line)


def _in_text(text: str, name: str, patterns: Sequence[Pattern]) -> Iterator[Finding]:
    for pattern in patterns:
        for match in pattern.expression.finditer(text):
            yield _found(pattern, match, name, text.count("\n", 0, match.start()) + 1)


def _in_graph(path: Path, name: str, patterns: Sequence[Pattern]) -> Iterator[Finding]:
    try:
        model = graphs.load(path)
    except FoldshipError:  # reported as a file that is not what its name says
        return
    for tensor in graphs.external(model):
        place = Path(tensor.location)
        if place.is_absolute() or ".." in place.parts or "\\" in tensor.location:
            yield Finding(name, "weights that lie outside of the graph's folder", RELATIVE, SECRET)
            break
    text = "\n".join(dict.fromkeys(graphs.texts(model)))
    for pattern in patterns:
        match = pattern.expression.search(text)
        if match:
            yield _found(pattern, match, name, None)


def _found(pattern: Pattern, match: re.Match[str], name: str, line: int | None) -> Finding:
    # A path is no secret, but whose it is concerns nobody.
    shown = "" if pattern.fix == RELATIVE else f" ({_shown(match[0])})"
    return Finding(name, f"{pattern.what}{shown}", pattern.fix, SECRET, line)


def _own(place: Path) -> Pattern:
    escaped = re.escape(str(place)).replace(r"\\", r"[\\/]{1,2}")
    return Pattern("a folder of the machine that built it", re.compile(escaped + r"(?![\w-])"), RELATIVE)


def _shown(secret: str) -> str:
    return f"{secret[:SHOWN]}..."
