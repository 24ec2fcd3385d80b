"""What looks like a link, a formula or code in text that has lost its markup.

Every search takes time in proportion to the text, whatever the text is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

Span = tuple[int, int]

LINK = re.compile(r"\bhttps?://[^\s<>\"]+", re.IGNORECASE)
# A dollar opens a formula before what is no space, and closes it after what is no space and before no digit
# (pandoc's rule, https://pandoc.org/MANUAL.html#extension-tex_math_dollars), so that prices are none. Before
# a letter it is the sign of a variable, but for ordinals and plurals such as $n$th.
_DOLLARS = re.compile(
    r"\$(?:\$[^$]{1,4000}\$\$"
    r"|(?<![\\$\w]\$)[^$\s](?:[^$\n]{0,500}[^$\s\\])?\$(?:(?![\w$])|(?=(?:st|nd|rd|th|s)\b)))"
    # Where a plain dollar is money, as on sites of electronics, escaped ones stand around formulas.
    r"|(?<!\\)\\\$[^$\s](?:[^$\n]{0,500}[^$\s])?(?<!\s)\\\$(?:(?![\w$])|(?=(?:st|nd|rd|th|s)\b))"
)
_ENVIRONMENT = re.compile(r"\\(begin|end)\{(?!document\})([A-Za-z]{1,20}\*?)\}")

_MOST_OF_A_LINE = 400  # characters that decide whether a line is code
_GAP = 2  # lines between two lines of code that count as code, too, where they are blank or indented
_SIGNS = re.compile(r"[{}()\[\];=<>|&$_\\/#@\"'+*%:.,~^-]")
_LEAST_SHARE = 0.2  # of signs among the characters of an indented line of code
_TRACE = re.compile(
    r"\s*at [\w.$<>/:-]+(?: ?\(.*\))?$|\s*File \".*\", line \d+|Traceback \(most recent call last\)"
    r"|(?:Exception in thread|Caused by:) |[\w.]*(?:Error|Exception): "
)
_STATEMENT = re.compile(
    r"\s*(?:"
    r"[})\]]+[;,)]*$"  # closing brackets alone
    r"|(?:#include|#define|#!/|<\?php|<!DOCTYPE|@Override)"
    r"|(?:import|from|using|package|namespace) [\w.*]+(?: import .*)?;?$"
    r"|(?:def|class|function|func|sub|struct|interface|module)\b[^.?!]*[({:]\s*$"
    r"|(?:public|private|protected|static|void|const|let|var|final|int|char|float|double|bool|string)\b"
    r".*[;{=(,]\s*$"
    r"|(?:if|else|elif|for|foreach|while|switch|try|catch|return|print|echo|throw)\b.*[;{})]\s*$"
    r"|(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|ALTER TABLE|FROM|WHERE|LEFT JOIN|INNER JOIN) "
    r"|</?[A-Za-z][\w:.-]*(?:\s[^<>]*)?/?>"  # an element
    r"|[$#>] ?(?:sudo|cd|ls|git|apt|apt-get|npm|pip|cat|grep|echo|ssh|docker)\b"
    r"|>>> |\\(?:documentclass|usepackage|def|newcommand|begin\{document|setlength|put)\b"
    r"|[\w.$\[\]\"'>*&-]{1,80}\s*(?:[-+*/|.:]?=|<-|=>)\s*\S.*[;,{)\]\"'\w]$"  # an assignment
    r"|[\w.$:>-]{1,80}\([^()]*\)\s*[;{]?$"  # a call
    r"|.*[;{)]\s+(?://|/\*|#) "  # a comment after a statement
    r")"
)
# So many words in a row are a sentence.
_PROSE = re.compile(r"(?<![^\W\d_])(?<!')(?:[^\W\d_](?:[^\W\d_A-Z]|')*,? ){7}")
_INDENTED = re.compile(r" {4}|\t")
_FENCE = re.compile(r"\s{0,3}```[^`]*$")  # else it is code within a line


def formulas(text: str) -> list[Span]:
    r"""Places of LaTeX, from left to right, none in another: `$x$`, `$$x$$`, `\begin{y}x\end{y}`."""
    found = [match.span() for match in _DOLLARS.finditer(text)] if "$" in text else []
    open_name, start, depth = "", 0, 0
    for match in _ENVIRONMENT.finditer(text):
        kind, name = match.groups()
        if kind == "begin":
            if not depth:
                open_name, start = name, match.start()
            depth += name == open_name
        elif depth and name == open_name:
            depth -= 1
            if not depth:
                found.append((start, match.end()))
    return _outermost(found)


def code(text: str) -> list[Span]:
    """Places of blocks of code and of stack traces, whole lines each, from left to right.

    A line is code when it reads like a statement, an element or a call and not like a sentence, when it is
    indented by four or more and a fifth of it is signs, when it is part of a stack trace, or when it stands
    between fences. After code, any line that is indented by four or more and no sentence goes on with it; one
    or two lines between two of them that are blank or indented belong to them.
    """
    spans: list[Span] = []
    start, fenced, gap = 0, False, _GAP + 1
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        fence = _FENCE.match(line) is not None
        looked_at = line[:_MOST_OF_A_LINE].rstrip()
        goes_on = gap <= _GAP and _INDENTED.match(looked_at) and not _PROSE.search(looked_at)
        if fence or fenced or goes_on or _is_code(looked_at):
            if spans and gap <= _GAP:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
            gap = 0
            fenced = fenced != fence
        else:
            gap = gap + 1 if not line.strip() or line[0] in " \t" else _GAP + 1
        start = end
    return spans


def replace(text: str, spans: Iterable[Span], by: Callable[[str], str]) -> str:
    """`text` with what stands at `spans`, from left to right, replaced."""
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], by(text[start:end])]
        at = end
    return "".join([*parts, text[at:]])


def _is_code(line: str) -> bool:
    bare = line.strip()
    if not bare or _PROSE.search(line):
        return False
    if bare.endswith("\\\\") or ("$" in bare and _DOLLARS.search(bare)):  # a row of a matrix, a formula
        return False
    if bare[-1] in ";{" or _TRACE.match(line) or _STATEMENT.match(line):
        return True
    if not _INDENTED.match(line):
        return False
    return len(_SIGNS.findall(bare)) >= _LEAST_SHARE * len(bare)


def _outermost(spans: list[Span]) -> list[Span]:
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept
