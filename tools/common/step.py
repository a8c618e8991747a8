"""Say what is being done, how far it is, and how long it took."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .mask import masked

#: Seconds between two signs of life, where the line is rewritten (a terminal) and where it is not (a log).
TERMINAL_SECONDS = 1.0
LOG_SECONDS = 15.0
LINE_LENGTH = 100

Report = Callable[[], str]


class _Shown:
    """What the running step reports of itself: the innermost of what was set."""

    def __init__(self) -> None:
        self._reports: list[Report] = []

    def push(self, report: Report) -> None:
        self._reports.append(report)

    def pop(self) -> None:
        self._reports.pop()

    def text(self) -> str:
        """Return how far the step is, in one line without passwords; "" if nobody says."""
        reports = self._reports[-1:]
        try:
            text = " ".join(masked(report()) for report in reports)
        except (OSError, ValueError):
            # A sign of life is not worth a failure.
            return ""
        return "".join(character for character in " ".join(text.split()) if character.isprintable())


_shown = _Shown()


@contextmanager
def reporting(report: Report) -> Iterator[None]:
    """Let the running step show what a function returns, until this ends.

    :param report: returns how far it is, in one line; called by another thread.
    """
    _shown.push(report)
    try:
        yield
    finally:
        _shown.pop()


class Heartbeat:
    """Signs of life of a step: one line that is rewritten on a terminal, else a line now and then.

    :param title: what is being done.
    :param clock: returns seconds.
    """

    def __init__(self, title: str, *, terminal: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._title, self._terminal, self._clock = title, terminal, clock
        self._start = clock()
        self._beaten = False

    @property
    def seconds(self) -> float:
        """How long the step has taken so far."""
        return self._clock() - self._start

    @property
    def interval(self) -> float:
        """Seconds from one sign of life to the next."""
        return TERMINAL_SECONDS if self._terminal else LOG_SECONDS

    def begin(self) -> None:
        """Print the title."""
        print(f"==> {self._title} ...", end=" ", flush=True)

    def beat(self) -> None:
        """Print how far the step is."""
        text = f"{self.seconds:.0f} s" + (f": {shown}" if (shown := _shown.text()) else "")
        if self._terminal:
            line = f"==> {self._title} ... {text}"
            print(f"\r\033[K{cut(line, shutil.get_terminal_size().columns - 1)}", end="", flush=True)
        else:
            print(("" if self._beaten else "\n") + cut(f"    {text}", LINE_LENGTH), flush=True)
        self._beaten = True

    def end(self, outcome: str) -> None:
        """Print how the step ended, behind its title."""
        if self._beaten:
            print(f"{chr(13)}\033[K" if self._terminal else "", end="")
            print(f"==> {self._title} ...", end=" ")
        print(outcome, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print a title when a long step starts, how far it is meanwhile, and its seconds when it ends.

    Steps do not nest.
    """
    heartbeat = Heartbeat(title, terminal=sys.stdout.isatty())
    heartbeat.begin()
    ended = threading.Event()
    thread = threading.Thread(target=_beat_until, args=(heartbeat, ended), daemon=True)
    thread.start()
    outcome = "failed after "
    try:
        yield
        outcome = ""
    finally:
        ended.set()
        thread.join()
        heartbeat.end(f"{outcome}{heartbeat.seconds:.0f} s")


def _beat_until(heartbeat: Heartbeat, ended: threading.Event) -> None:
    while not ended.wait(heartbeat.interval):
        heartbeat.beat()


def cut(text: str, length: int) -> str:
    """Return a text of at most so many characters, with dots where its end is missing."""
    return text if len(text) <= length else f"{text[: max(length - 3, 0)]}..."


def say(message: str) -> None:
    """Print what is so, in the form of the steps."""
    print(f"==> {message}", flush=True)
