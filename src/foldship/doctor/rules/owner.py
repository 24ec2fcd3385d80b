"""Kernel and datasets belong to the user who is signed in: Kaggle lets nobody push for another one."""

from __future__ import annotations

from foldship import naming
from foldship.doctor.evidence import DATASET, KERNEL, Evidence
from foldship.doctor.finding import Finding, Tally
from foldship.naming import UNKNOWN_OWNER

NAME = "owner"
REMEDY = "set `owner: {user}` in kernel.yaml, or sign in as {found}, and run `make bundle` again"
UNSET = "set `owner: {user}` in kernel.yaml, or KAGGLE_USERNAME={user}, and run `make bundle` again"


def check(push: Evidence) -> Finding:
    user = push.account.connection.owner
    tally = Tally(NAME)
    ids = [(KERNEL, str(push.metadata.get("id", ""))), *((DATASET, ref) for ref in push.refs)]
    for file, ref in ids:
        found = ref.partition("/")[0]
        if found == UNKNOWN_OWNER:
            tally.fail(f"{file} has no owner yet: {ref}", UNSET.format(user=user))
        elif not naming.same(found, user):
            tally.fail(f"{file} is {found}'s, the user is {user}", REMEDY.format(user=user, found=found))
    tally.well(f"{user}, of the kernel and every dataset")
    return tally.finding()
