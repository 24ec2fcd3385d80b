"""What a run must hold to, one rule a module."""

from __future__ import annotations

from collections.abc import Callable

from foldship.rehearsal.checks import (
    classes,
    columns,
    constant,
    dataset_whole,
    encoding,
    exit_status,
    finite,
    ids,
    internet_off,
    kernel_size,
    kinds,
    margin,
    memory_limit,
    models_used,
    network,
    odd_files,
    passages,
    plain_numbers,
    sample_declared,
    submission_present,
    submission_size,
    time_limit,
    trained_values,
    value_range,
    working_quota,
)
from foldship.rehearsal.evidence import Evidence, Finding

RULES: tuple[Callable[[Evidence], Finding], ...] = tuple(
    rule.check
    for rule in (
        exit_status,
        time_limit,
        memory_limit,
        working_quota,
        network,
        submission_present,
        encoding,
        sample_declared,
        columns,
        ids,
        finite,
        plain_numbers,
        value_range,
        kinds,
        trained_values,
        classes,
        constant,
        submission_size,
        models_used,
        odd_files,
        passages,
        margin,
        kernel_size,
        internet_off,
        dataset_whole,
    )
)


def judge(run: Evidence) -> tuple[Finding, ...]:
    """Apply every rule."""
    return tuple(rule(run) for rule in RULES)
