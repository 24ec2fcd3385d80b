from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from foldship.kaggle_client.retry import Patience, repeat


def answered(status: int, **headers: str) -> requests.HTTPError:
    response = requests.Response()
    response.status_code, response.reason = status, "for a test"
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return requests.HTTPError(response=response)


NONSENSE = (
    "soon",
    "",
    " ",
    "nan",
    "-NaN",
    "inf",
    "-inf",
    "1e999",
    "-7",
    formatdate(0, usegmt=True),
    "Mon, 99 Foo",
)


class Tries:
    """Fails with these errors, one after another, and succeeds then."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.calls, self.slept, self.said = list(errors), 0, list[float](), list[str]()

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def patience(self, **more: float) -> Patience:
        return Patience(sleep=self.slept.append, **more)  # type: ignore[arg-type]

    def run(self, **more: float) -> str:
        return repeat(self, self.patience(**more), self.said.append)


@pytest.mark.parametrize(
    "error",
    [answered(429), answered(500), answered(503), requests.ConnectionError(), requests.Timeout()],
)
def test_what_may_pass_is_tried_again_after_growing_waits(error: Exception) -> None:
    tries = Tries(error, error, error)
    assert tries.run() == "done"
    assert tries.calls == 4
    first, second, third = tries.slept
    assert 0.75 <= first <= 1.25 and 1.5 <= second <= 2.5 and 3 <= third <= 5
    assert len(tries.said) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_a_refusal_is_final(status: int) -> None:
    tries = Tries(answered(status))
    with pytest.raises(requests.HTTPError):
        tries.run()
    assert tries.calls == 1 and not tries.slept


def test_patience_ends_with_the_last_error() -> None:
    tries = Tries(*[answered(500)] * 9)
    with pytest.raises(requests.HTTPError):
        tries.run(attempts=3)
    assert tries.calls == 3


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (lambda: "7", (7, 7)),
        (lambda: "100000", (120, 120)),  # never longer than the longest
        (lambda: "0", (0, 0)),
        (lambda: formatdate(time.time() + 60, usegmt=True), (55, 60)),
        *((lambda text=text: text, (0.75, 1.25)) for text in NONSENSE),  # nobody can tell: as without it
    ],
)
def test_kaggles_wish_to_wait_is_granted(header: Callable[[], str], seconds: tuple[float, float]) -> None:
    tries = Tries(answered(429, Retry_After=header()))
    assert tries.run() == "done"
    assert seconds[0] <= tries.slept[0] <= seconds[1]


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.one_of(st.text(max_size=40), st.floats().map(str), st.integers().map(str)))
def test_no_wish_can_make_it_wait_for_ever_or_fail(header: str) -> None:
    tries = Tries(answered(429, Retry_After=header))
    assert tries.run() == "done"
    (slept,) = tries.slept
    assert 0 <= slept <= 120
