from __future__ import annotations

from kaggle_site import faults

from foldship.doctor import Level, examine
from foldship.doctor.account import sign_in
from foldship.kaggle_client.retry import Patience

KAGGLES = {"owner", "competition", "submissions", "dataset state"}


def levels(stage) -> dict[str, Level]:
    return {finding.name: finding.level for finding in examine(stage.evidence).findings}


def test_nothing_is_wrong(stage, open_site):
    open_site()
    stage.sign_in()
    found = levels(stage)
    assert found.pop("GPU quota") is Level.NOT_ASKED
    assert found.pop("git state") in (Level.NOT_ASKED, Level.WARNING, Level.PASSED)
    assert set(found.values()) == {Level.PASSED}, examine(stage.evidence)


def test_nothing_is_wrong_with_a_gpu(gpu_stage, open_site):
    open_site()
    gpu_stage.rehearse(limits={"time_s": 7200.0})
    gpu_stage.sign_in()
    found = levels(gpu_stage)
    found.pop("git state")
    assert set(found.values()) == {Level.PASSED}, examine(gpu_stage.evidence)


def test_without_credentials_only_they_fail(stage, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    stage.sign_in()
    diagnosis = examine(stage.evidence)
    assert [finding.name for finding in diagnosis.failed] == ["credentials"]
    assert "kaggle.com/settings" in diagnosis.failed[0].remedy
    unasked = {finding.name for finding in diagnosis.findings if finding.level is Level.NOT_ASKED}
    assert unasked >= KAGGLES
    seen = {finding.seen for finding in diagnosis.findings if finding.name in KAGGLES}
    assert seen == {"no Kaggle credentials; see 'credentials'"}


def test_without_a_bundle_only_it_fails(stage, open_site):
    open_site()
    stage.sign_in()
    for path in (stage.evidence.kernel, *stage.evidence.datasets):
        path.rename(path.with_name("away-" + path.name))
    stage.change()
    diagnosis = examine(stage.evidence)
    assert [finding.name for finding in diagnosis.failed] == ["bundle"]
    assert {finding.seen for finding in diagnosis.findings if finding.name == "names"} == {
        f"{stage.evidence.kernel / 'kernel-metadata.json'} is not there; see 'bundle'"
    }


def test_a_kaggle_out_of_reach_is_no_answer_and_a_refusal_is_one(stage, open_site):
    site = open_site()
    stage.sign_in()
    method = "GetCompetition"
    site.fail(method, faults.status(503), times=2)
    assert levels(stage)["competition"] is Level.NOT_ASKED
    site.fail(method, faults.status(403, "You must verify your phone number"))
    (refused,) = (f for f in examine(stage.evidence).findings if f.name == "competition")
    assert refused.level is Level.FAILED
    assert "verify the account" in refused.remedy


def test_no_finding_holds_a_secret(stage, open_site):
    site = open_site()
    site.fail("GetAcceleratorQuotaStatistics", faults.status(401, f"{site.key} is not known"))
    stage.change(account=sign_in(lambda _: None, Patience(attempts=1)))
    stage.edit("kernel/kernel-metadata.json", lambda value: value.update(title=f"The {site.key}"))
    said = str(examine(stage.evidence).as_dict())
    assert site.key not in said
    assert "[hidden] is not known" in said
    assert "The [hidden]" in said
