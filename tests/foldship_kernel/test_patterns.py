from __future__ import annotations

import pytest

from foldship_kernel import patterns

TRACE = """\
I get the following error when I ask for values, using a promise.

TypeError: Cannot read property 'length' of undefined
  at http://localhost:8000/static/js/ui.js:1:37982
  at i (http://localhost:8000/static/js/angular.js:79:437)
  at Object.e.$digest (http://localhost:8000/static/js/angular.js:90:142)

Why is that?
"""
PYTHON = """\
Here is what I tried so far, without any luck:

from os import path

def f(x):
    y = x + 1

    return y

It prints nothing at all.
"""
HTML = """\
The list is not shown:
<ul class="names">
    <li>one</li>
</ul>
Any idea?
"""
PROSE = """\
First of all, thank you for the answer; I have tried it (twice) and it did not work.
    An indented list of things; this one ends with a semicolon and has many words;
Price: $5 - $10.
How do I import this from my camera?
Return to the office if you can (or not).
"""


def found(text: str, spans: list[patterns.Span]) -> list[str]:
    return [text[start:end] for start, end in spans]


@pytest.mark.parametrize(
    ("text", "block"),
    [
        (TRACE, TRACE[TRACE.index("TypeError") : TRACE.index("\nWhy")]),
        (PYTHON, PYTHON[PYTHON.index("from os") : PYTHON.index("\nIt prints")]),
        (HTML, HTML[HTML.index("<ul") : HTML.index("Any")]),
        ("Run this:\n\n$ sudo apt-get install it\n\nDone.", "$ sudo apt-get install it\n"),
        ("SELECT * FROM t\nWHERE a = 1\n", "SELECT * FROM t\nWHERE a = 1\n"),
        (
            "so\n```\nany words of a language that nobody knows\n```\nends",
            "```\nany words of a language that nobody knows\n```\n",
        ),
    ],
)
def test_blocks_of_code(text: str, block: str) -> None:
    assert found(text, patterns.code(text)) == [block]


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        "",
        "Let $x = 1$;\n",
        "\\begin{align}\n    a &= b + c \\\\\n    &= (d) + [e] \\\\\n\\end{align}\n",
        "I like this\n\n  a quoted line, as they stand here\n\nvery much",
        "Run this:\n```ls -l``` lists what there is.\nThen tell us what it says.\n",
        "Diese Zeile über schöne Dinge, die niemand kennt, endet so;\n",
        "이 줄은 코드가 아니라 그저 긴 우리말 문장 입니다;\n",
    ],
)
def test_what_is_no_code(text: str) -> None:
    assert patterns.code(text) == []


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("Let $x$ and $$y = 1$$ be", ["$x$", "$$y = 1$$"]),
        ("the $n$th of $A^TA$?", ["$n$", "$A^TA$"]),
        ("see \\begin{align} a \\\\ $b$ \\end{align} there", ["\\begin{align} a \\\\ $b$ \\end{align}"]),
        (
            "\\begin{cases} \\begin{cases} a \\end{cases} \\end{cases} end",
            ["\\begin{cases} \\begin{cases} a \\end{cases} \\end{cases}"],
        ),
        ("it costs $5 or $10, that is $7 in all", []),
        ("$HOME/bin:$PATH", []),
        ("an open \\begin{align} and \\end{other}", []),
        ("\\begin{document} text \\end{document}", []),
        ("so \\$V = I R\\$ holds for the \\$n\\$th", ["\\$V = I R\\$", "\\$n\\$"]),
        ("it is \\$5 or \\$6, \\$ 7 \\$ in all", []),
        ('echo "\\$HOME/\\$x"', []),
    ],
)
def test_formulas(text: str, formulas: list[str]) -> None:
    assert found(text, patterns.formulas(text)) == formulas


def test_spans_are_replaced() -> None:
    assert patterns.replace("abcdef", [(1, 2), (4, 6)], str.upper) == "aBcdEF"
    assert patterns.replace("abc", [], str.upper) == "abc"
