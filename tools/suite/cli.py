"""Command line: run the tests, all of them or the named groups, and count what passed."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Condition, Event, Thread

from ..common.download import answers
from ..common.paths import CHECKOUT, OUTPUT
from ..common.step import LINE_LENGTH, LOG_SECONDS, cut
from .stage import Result, Stage, position, run_stage, summary, tail
from .stages import groups

Lane = Sequence[Stage]

#: The group of the second tier.
FURTHER = "further"
#: The environment variable by which a scenario of both tiers does all that it has for the second one.
TIER = "TESTS"
#: Lanes under way at once: scenarios wait for the cluster half of their time, and a small machine has two cores.
AT_ONCE = 2


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    known = groups()
    parser = argparse.ArgumentParser(prog="python3 -m tools.suite", description=__doc__)
    parser.add_argument(
        "groups", nargs="*", metavar="GROUP", help=f"some of: {', '.join(known)} (default: all but {FURTHER})"
    )
    parser.add_argument("--all", action="store_true", help="all of them")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.groups) - set(known))
    if unknown:
        parser.error(f"no group {', '.join(unknown)}; there are {', '.join(known)}")
    if options.all:
        os.environ[TIER] = "all"
    wanted = options.groups or [name for name in known if options.all or name != FURTHER]
    start = time.monotonic()
    results = Suite().run(phases({name: known[name] for name in known if name in wanted}, known))
    print_table(results, time.monotonic() - start)
    print_failures(results)
    return print_count(results)


def phases(wanted: Mapping[str, Lane], known: Mapping[str, Lane]) -> list[list[Lane]]:
    """Return the phases, which follow each other, and the lanes of each, which run side by side.

    What the wanted stages need comes too, though nobody named it.
    """
    every = {stage.name: stage for lane in known.values() for stage in lane}
    chosen = {stage.name for lane in wanted.values() for stage in lane}
    missing = set(chosen)
    while missing:
        missing = {need for name in missing for need in every[name].needs} - chosen
        chosen |= missing

    def lane(*names: str) -> Lane:
        return [stage for name in names for stage in known[name] if stage.name in chosen]

    return [
        [lane("environment")],
        [
            lane("cluster"),
            # The checks give way, and fill the time in which the cluster starts and is given its images.
            lane("images", "lint", "unit", "sanity"),
            # The two deploy the same release.
            lane("default", "browser"),
            *([stage] for stage in lane("scenarios", FURTHER, "on-cluster")),
        ],
        [lane("timed")],
    ]


class Suite:
    """A run of the suite, which knows how each of its stages ended."""

    def __init__(self) -> None:
        self.results: dict[str, Result] = {}
        self._ended = Condition()
        #: When each running stage began, by the clock of :func:`time.monotonic`.
        self._running: dict[Stage, float] = {}

    def run(self, phases: Iterable[Iterable[Lane]]) -> list[Result]:
        """Run the lanes of each phase side by side, some at once, and the stages of each lane one after the other."""
        order = []
        with self._showing_positions():
            for lanes in phases:
                present = [lane for lane in lanes if lane]
                order += [stage.name for lane in present for stage in lane]
                with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
                    for running in [pool.submit(self._run_lane, lane) for lane in present]:
                        running.result()
        return [self.results[name] for name in order]

    @contextmanager
    def _showing_positions(self) -> Iterator[None]:
        """Print now and then how far the running stages are, until this ends."""
        ended = Event()

        def show() -> None:
            while not ended.wait(LOG_SECONDS):
                with self._ended:
                    running = dict(self._running)
                now = time.monotonic()
                for stage, start in running.items():
                    print(cut(f"    {stage.name} {now - start:.0f} s: {position(stage)}", LINE_LENGTH), flush=True)

        thread = Thread(target=show, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _run_lane(self, lane: Lane) -> None:
        for stage in lane:
            result = self._run_one(stage)
            with self._ended:
                self.results[stage.name] = result
                self._ended.notify_all()
            message = f"{stage.name} {result.verdict}" + (f" ({result.note})" if result.note else "")
            print(f"<== {message}, {result.seconds:.0f} s", flush=True)
            if result.failed and result.seconds:
                print(f"{tail(stage)}\n  All of it: {stage.log.relative_to(CHECKOUT)}", flush=True)

    def _run_one(self, stage: Stage) -> Result:
        with self._ended:
            # In another lane it may still be under way.
            self._ended.wait_for(lambda: self.results.keys() >= {*stage.needs})
        unmet = [need for need in stage.needs if self.results[need].failed]
        if unmet:
            return Result(stage, failed=1, note=f"not run, because {', '.join(unmet)} failed")
        if stage.suffix and stage.name != f"environment{stage.suffix}" and not _has_environment(stage):
            return Result(stage, skipped=1, note="not run, because there is no second Python here")
        if stage.source and not answers(stage.source):
            return Result(stage, skipped=1, note=f"not run, because nobody answers at {stage.source}")
        print(f"==> {stage.name}", flush=True)
        with self._ended:
            self._running[stage] = time.monotonic()
        try:
            return run_stage(stage)
        finally:
            with self._ended:
                del self._running[stage]


def _has_environment(stage: Stage) -> bool:
    return (CHECKOUT / f".venv{stage.suffix}" / "bin" / "python").is_file()


def print_table(results: Iterable[Result], seconds: float) -> None:
    """Print how each stage ended and how long it took."""
    print(f"\n{'stage':<32} {'result':<8} {'passed':>6} {'failed':>6} {'seconds':>8}")
    for result in results:
        line = (
            f"{result.stage.name:<32} {result.verdict:<8} {result.passed:>6} {result.failed:>6} {result.seconds:>8.0f}"
        )
        print(f"{line}  {result.note}".rstrip())
    print(f"{'all':<32} {'':<8} {'':>6} {'':>6} {seconds:>8.0f}  logs in {OUTPUT.relative_to(CHECKOUT)}\n")


def print_failures(results: Iterable[Result]) -> None:
    """Print once more why each failed stage failed, because the end of a long output is what is kept of it."""
    for result in results:
        if result.failed and result.seconds:
            print(f"{result.stage.name} failed:\n{summary(result.stage)}\n")


def print_count(results: Sequence[Result]) -> int:
    """Print the closing line, and return the exit code that goes with it."""
    passed, failed, skipped = (
        sum(getattr(result, name) for result in results) for name in ("passed", "failed", "skipped")
    )
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
    return 0 if passed and not failed else 1
