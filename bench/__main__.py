"""`python -m bench`; `make bench` installs the peers first."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from bench import machine, options
from bench.machine import RESULTS, ROOT
from foldship.cli.running import run
from foldship.mishaps import details


@click.command()
@click.option("--size", default="full", show_default=True, help=f"How much: {', '.join(options.SIZES)}.")
@click.option(
    "--suites", default="", help=f"Which, with commas: {', '.join(options.SUITES)}.  [default: all]"
)
@click.option("--threads", default=2, show_default=True, help="Processors that everything is confined to.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=ROOT / "build" / "bench",
    help="For results.json and all that is made on the way.  [default: build/bench]",
)
@click.option(
    "--page",
    type=click.Path(path_type=Path),
    default=ROOT / RESULTS,
    help="The page to write.  [default: bench/RESULTS.md]",
)
def main(size: str, suites: str, threads: int, folder: Path, page: Path) -> None:
    """Measure the kernel against what else one would run, as ratios."""
    details.keep_in(folder.resolve() / "errors")
    measure(options.read(size, suites, threads, folder.resolve(), page))


def measure(chosen: options.Options) -> None:
    """Run the suites. Each one's results are kept as soon as they are there."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    machine.confine(chosen.threads)
    # Not before: libraries count the processors when they are imported.
    import torch
    import transformers

    from bench import (
        fetching,
        gpu,
        models,
        postprocess,
        profile,
        render,
        repeats,
        report,
        scaling,
        speed,
        training,
    )
    from foldship.reporting import terminal
    from foldship_kernel import atomic

    transformers.logging.set_verbosity_error()
    torch.set_num_threads(chosen.threads)
    stamp = machine.stamp(chosen.command)
    work = chosen.folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    made = models.Models(work / "models", folds=max(chosen.size.folds))
    suites: dict[str, Callable[[], report.Report]] = {
        "speed": lambda: speed.run(chosen, made, work / "speed"),
        "repeats": lambda: repeats.run(chosen, made),
        "scaling": lambda: scaling.run(chosen, made, work / "scaling"),
        "profile": lambda: profile.run(chosen, made, work / "profile"),
        "postprocess": lambda: postprocess.run(chosen),
        "training": lambda: training.run(chosen, work / "training"),
        "fetching": lambda: fetching.run(chosen, work / "fetching"),
        "gpu": lambda: gpu.run(chosen, made, work / "gpu"),
    }
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for name in chosen.suites:
        click.echo(f"{name} ...")
        done = suites[name]()
        on_gpu = name == "gpu" and not done.skipped
        replace(done, stamp=machine.with_gpu(stamp) if on_gpu else stamp).save(chosen.reports)
        for table in done.tables:
            terminal.show(table)
        if done.skipped:
            click.echo(f"{name}: not measured, {done.skipped}")
        reports = report.load_all(chosen.reports, options.SUITES)
        atomic.write_json(chosen.folder / "results.json", render.results(reports))
        atomic.write_text(chosen.page, render.page(reports))
    shutil.rmtree(work, ignore_errors=True)
    terminal.show(render.summary(reports))
    click.echo(f"{chosen.folder / 'results.json'}, {chosen.page}")


if __name__ == "__main__":
    run(main, "bench")
