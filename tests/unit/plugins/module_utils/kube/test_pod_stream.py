"""What a program in a pod prints, as it comes over the websocket."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube import pod_stream
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.pod_stream import (
    STATUS,
    STDERR,
    STDOUT,
    WRITE_ANSWER,
    Exec,
    read_answer,
)

SUCCESS = (STATUS, json.dumps({"status": "Success"}).encode())
FAILURE = (STATUS, json.dumps({"status": "Failure", "message": "exit code 1"}).encode())


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a program that sends messages, or raises what is among them."""

    def program(*messages: tuple[int, bytes] | Exception) -> Exec:
        left = list(messages)

        class Channels:
            def __init__(self, *_arguments: Any) -> None:
                pass

            def receive(self) -> tuple[int, bytes] | None:
                message = left.pop(0) if left else None
                if isinstance(message, Exception):
                    raise message
                return message

        monkeypatch.setattr(pod_stream, "_Channels", Channels)
        return Exec(None, "airflow", "pod", "container", ["true"])  # type: ignore[arg-type]

    return program


def test_lines_are_whole_however_they_are_sent(program: Any) -> None:
    sent = program((STDOUT, b"one\ntw"), (STDERR, b"noise"), (STDOUT, b"o\n\nthree\n"), SUCCESS)
    assert list(sent.lines()) == ["one", "two", "", "three"]


@pytest.mark.parametrize("end", [(FAILURE,), ()], ids=["failed", "cut off"])
def test_a_program_that_does_not_end_well_fails_with_what_it_said(program: Any, end: Any) -> None:
    sent = program((STDOUT, b"one\n"), (STDERR, b"no such role\n"), *end)
    with pytest.raises(Failure, match=r"ended early: .*\n  no such role"):
        list(sent.lines())


def test_silence_is_told(program: Any) -> None:
    with pytest.raises(Failure, match="does not answer: no answer for 60 s"):
        list(program(TimeoutError("no answer for 60 s")).lines())


@pytest.mark.parametrize("cut", [0, 3, 8, 11])
def test_an_answer_is_read_to_its_end_however_it_is_sent(program: Any, cut: int) -> None:
    script = "import sys\nanswer = b'twelve\\nbytes'\n" + WRITE_ANSWER
    printed = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=True).stdout
    parts = [(STDOUT, part) for part in (printed[:cut], printed[cut:]) if part]
    assert read_answer(program(*parts, SUCCESS)) == b"twelve\nbytes"


def test_an_answer_that_is_cut_off_is_none(program: Any) -> None:
    with pytest.raises(Failure, match="ended early: exit code 1"):
        read_answer(program((STDOUT, b"00000012twelve"), FAILURE))
