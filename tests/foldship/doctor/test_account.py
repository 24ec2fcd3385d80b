from __future__ import annotations

import pytest
from kaggle_site import faults

from foldship.doctor.account import sign_in
from foldship.doctor.finding import UnaskedError
from foldship.kaggle_client.retry import Patience

QUICK = Patience(attempts=2, sleep=lambda _: None)
METHOD = "GetAcceleratorQuotaStatistics"


def test_a_key_that_kaggle_does_not_know_is_noticed(open_site, monkeypatch):
    open_site()
    monkeypatch.setenv("KAGGLE_KEY", "another-made-up-key")
    account = sign_in(lambda _: None, QUICK)
    assert account.problem is not None and account.problem.status == 401
    with pytest.raises(UnaskedError, match="see 'credentials'"):
        _ = account.connection


def test_an_account_without_a_quota_is_one(open_site):
    open_site().fail(METHOD, faults.status(403, "not for you"))
    account = sign_in(lambda _: None, QUICK)
    assert account.connection.owner == "someone"
    assert account.quota is None


def test_kaggle_out_of_reach_is_a_problem(open_site):
    open_site().fail(METHOD, faults.status(503), times=2)
    account = sign_in(lambda _: None, QUICK)
    assert account.problem is not None and account.problem.status == 503
