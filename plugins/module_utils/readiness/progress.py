# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verdicts in the words that the user reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..redaction.masking import masked, shortened
from .verdict import Key, State, Verdict

#: Seconds that an object has to do the same before that is told.
LASTING = 1.0


@dataclass(frozen=True)
class Finding:
    """An object that cannot become ready, as it is told.

    :param log: the last lines of the log that tells more.
    """

    key: Key
    verdict: Verdict
    log: Sequence[str] = ()


def progress_line(seconds: float, what: str, verdict: Verdict) -> str:
    """Return the line that says what became of an object, ``seconds`` after the start."""
    text = f"{seconds:6.1f} s  {what}  {verdict.state}"
    return masked(f"{text}: {shortened(verdict.reason, 200)}" if verdict.reason else text)


def failure_message(release: str, findings: Sequence[Finding], waiting: Mapping[Key, Verdict], now: datetime) -> str:
    """Return the message of a release that cannot become ready.

    :param findings: what has failed, causes first.
    :param waiting: what is not ready but has not failed either.
    """
    many = len(findings) > 1
    what = "these objects fail, causes first." if many else str(findings[0].key)
    lines = [f"{release} cannot become ready: {what}"]
    for number, finding in enumerate(findings, 1):
        lines += _finding_lines(finding, now, f"{number}. {finding.key}" if many else "")
    if waiting:
        lines += ["Not ready yet either:", *(f"  {key}: {verdict.reason}" for key, verdict in sorted(waiting.items()))]
    return masked("\n".join(lines))


def timeout_message(release: str, seconds: float, waiting: Mapping[Key, Verdict], error: str) -> str:
    """Return the message of a release that is not ready in time."""
    lines = [f"{release} is not ready after {seconds:.0f} s. Nothing has failed permanently; in progress:"]
    lines += [f"  {key}: {_at(verdict)}" for key, verdict in sorted(waiting.items())]
    if error:
        lines.append(f"The cluster has not answered lately: {error}")
    lines.append("Run it again to go on waiting, or raise timeout.")
    return masked("\n".join(lines))


def duration(seconds: float) -> str:
    """Return a time span for people: ``34 s``, ``12 min``, ``5 h``, ``3 d``."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _finding_lines(finding: Finding, now: datetime, title: str) -> list[str]:
    verdict = finding.verdict
    lines = [title] if title else []
    lines.append(f"  What: {verdict.reason}")
    if verdict.detail:
        lines.append(f"  Seen: {verdict.detail}")
    if verdict.place:
        lines.append(f"  Where: {verdict.place}")
    if verdict.since:
        lines.append(f"  For: {duration((now - verdict.since).total_seconds())}, since {verdict.since:%H:%M:%S} UTC")
    if finding.log:
        lines += ["  Log:", *(f"    | {line}" for line in finding.log)]
    if verdict.advice:
        lines.append(f"  Next: {verdict.advice}")
    return lines


def _at(verdict: Verdict) -> str:
    more = ", ".join(part for part in (verdict.detail, verdict.place) if part)
    return f"{verdict.reason} ({more})" if more else verdict.reason


class ProgressReporter:
    """What the user has been told: a line when an object changes its state, or for a while does something else."""

    def __init__(self, say: Callable[[str], None], seconds: Callable[[], float]) -> None:
        self.lines: list[str] = []
        self.held_until: float | None = None
        self._say = say
        self._seconds = seconds
        self._last: dict[Key, _Line] = {}
        self._held: dict[Key, _Held] = {}

    def first(self, verdicts: Mapping[Key, Verdict]) -> None:
        """Tell how things stand at the beginning: in one line how much is done, and what is not."""
        now = self._seconds()
        ready = {key: verdict for key, verdict in verdicts.items() if verdict.state == State.READY}
        if ready:
            self.note(f"{len(ready)} of {len(verdicts)} objects are ready")
        self._last = {key: _Line(verdict, now, now) for key, verdict in ready.items()}
        self.changes(verdicts, at_once=True)

    def changes(self, verdicts: Mapping[Key, Verdict], at_once: bool = False) -> None:
        """Tell what has changed since the last time.

        What an object does while it is *pending* is told only when it lasts, and the less often the longer the
        wait: a large release would else fill the terminal.
        """
        now = self._seconds()
        healthy: list[str] = []
        for key, verdict in verdicts.items():
            before = self._last.get(key)
            if before and (before.verdict.state, before.verdict.reason) == (verdict.state, verdict.reason):
                self._held.pop(key, None)
            elif at_once or verdict.state != State.PENDING or self._lasts(key, verdict, now):
                same_state = before is not None and before.verdict.state == verdict.state
                self._last[key] = _Line(verdict, before.since if before and same_state else now, now)
                self._held.pop(key, None)
                if key.kind == "Health" and verdict.state == State.READY:
                    healthy.append(key.name)
                else:
                    self._line(progress_line(now, str(key), verdict))
        if healthy:
            self._line(progress_line(now, "Health", Verdict(State.READY, ", ".join(healthy))))
        for gone in [key for key in self._last if key not in verdicts]:
            del self._last[gone]
            self._held.pop(gone, None)
        self.held_until = min((held.until for held in self._held.values()), default=None)

    def note(self, text: str) -> None:
        """Tell something that is not a verdict."""
        self._line(f"{self._seconds():6.1f} s  {text}")

    def seconds_of(self, key: Key, verdict: Verdict) -> float:
        """Return after how many seconds an object came to its present state."""
        before = self._last.get(key)
        return round(before.since if before and before.verdict.state == verdict.state else self._seconds(), 1)

    def _lasts(self, key: Key, verdict: Verdict, now: float) -> bool:
        """Tell whether an object has done the same for long enough to be told, or this and that for too long."""
        held = self._held.get(key)
        before = self._last.get(key)
        quiet_until = before.reported_at + now / 20 if before else now
        if held is None:
            held = _Held(verdict.reason, max(now + LASTING, quiet_until), max(now + 3 * LASTING, quiet_until))
        elif held.reason != verdict.reason:
            held = _Held(verdict.reason, min(max(now + LASTING, quiet_until), held.latest), held.latest)
        self._held[key] = held
        # Who waits for that moment may come a little early.
        return now >= held.until - 0.001

    def _line(self, line: str) -> None:
        self.lines.append(line)
        self._say(line)


@dataclass(frozen=True)
class _Line:
    """What was told of an object: since when it is in its state, and when it was told."""

    verdict: Verdict
    since: float
    reported_at: float


@dataclass(frozen=True)
class _Held:
    """What is not told yet: when it is if it lasts, and when something is in any case."""

    reason: str
    until: float
    latest: float
