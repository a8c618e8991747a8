"""Replacing passwords and keys in phases, in memory."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure, Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task
from ansible_collections.airflow.kubernetes.plugins.module_utils.secrets import rotate as secrets_rotate
from ansible_collections.airflow.kubernetes.plugins.module_utils.secrets.rotate import PHASES, mysql_text, scram

FERNET = {"kind": "fernet", "secret": "airflow-fernet", "key": "F"}
JWT = {"kind": "jwt", "secret": "airflow-jwt", "key": "J", "other": "OTHER", "length": 64}
REDIS = {"kind": "redis", "secret": "airflow-redis", "key": "R"}
API = {"kind": "api", "secret": "airflow-api", "key": "A"}
DATABASE = {"kind": "database", "secret": "airflow-secrets", "key": "P", "server": "postgresql", "user_key": "U"}
MYSQL = {**DATABASE, "server": "mysql"}
DEFAULTS = {
    field: secrets_rotate.Value("", "", "").__getattribute__(field)
    for field in secrets_rotate.Value.__dataclass_fields__
}
BEFORE = {
    "airflow-fernet": {"F": "fernet-1"},
    "airflow-jwt": {"J": "jwt-1"},
    "airflow-redis": {"R": "redis-1"},
    "airflow-api": {"A": "api-1"},
    "airflow-secrets": {"P": "password-1", "U": "o'neil"},
}


class Release:
    """The Secrets of a release, and what is run in its pods."""

    def __init__(self, cluster: Any, connection: dict[str, Any]) -> None:
        self.cluster = cluster
        self.said: list[str] = []
        self.ran: list[tuple[str, str, str]] = []
        self.fails: str | None = None
        self._connection = connection
        for name, values in BEFORE.items():
            data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
            cluster.add("Secret", name, metadata={"labels": {"airflow.kubernetes/release": "airflow"}}, data=data)

    def do(self, phase: str, *values: dict[str, Any], only: Sequence[str] = (), check_mode: bool = False) -> Any:
        params = {
            **self._connection,
            "release": "airflow",
            "namespace": "airflow",
            "phase": phase,
            "only": list(only),
            "task_timeout": 10,
            "values": [{**DEFAULTS, **value} for value in values],
        }
        return secrets_rotate.run(Task(params, check_mode, diff_mode=True, say=self.said.append))

    def program(self, component: str, command: Sequence[str], stdin: str, _each: Callable[[str], None]) -> None:
        if self.fails == component:
            raise Failure("interrupted")
        self.ran.append((component, command[-1], stdin))

    def values(self, name: str) -> dict[str, str]:
        stored = self.cluster.objects.get(("Secret", "airflow", name))
        data = stored["data"] if stored else {}
        return {key: base64.b64decode(value).decode() for key, value in data.items()}


@pytest.fixture
def release(cluster: Any, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Release:
    made = Release(cluster, connection)
    monkeypatch.setattr(secrets_rotate, "Client", lambda params, *rest: cluster)
    monkeypatch.setattr(secrets_rotate, "_programs", lambda *_rest: made.program)
    return made


def phases(release: Release, value: dict[str, Any]) -> list[dict[str, str]]:
    """Return what a Secret holds after each phase."""
    seen = []
    for phase in PHASES:
        release.do(phase, value)
        seen.append(release.values(value["secret"]))
    return seen


class TestPhases:
    def test_a_fernet_key_decrypts_before_it_encrypts_and_goes_when_nothing_needs_it(self, release: Release) -> None:
        accept, use, drop, end = phases(release, FERNET)
        new = drop["F"]
        assert accept == {"F": f"fernet-1,{new}"}
        assert use == {"F": f"{new},fernet-1"}
        assert end == drop
        assert new not in ("", "fernet-1")
        (component, program, _stdin) = release.ran[0]
        assert component == "scheduler"
        assert "airflow rotate-fernet-key" in program

    def test_two_jwt_secrets_are_accepted_until_all_use_the_new_one(self, release: Release) -> None:
        accept, use, drop, end = phases(release, JWT)
        new = drop["J"]
        assert accept == {"J": "jwt-1", "OTHER": new}
        assert use == {"J": new, "OTHER": "jwt-1"}
        assert drop == end == {"J": new}
        assert len(new) == 64

    def test_redis_accepts_the_new_password_before_and_the_old_one_no_more_after(self, release: Release) -> None:
        accept, use, *_rest = phases(release, REDIS)
        new = use["R"]
        assert accept == {"R": "redis-1"}
        assert len(new) == 32
        assert [(component, stdin) for component, _program, stdin in release.ran] == [
            ("redis", f"ACL SETUSER default >{new}\n"),
            ("redis", f"ACL SETUSER default resetpass >{new}\n"),
        ]

    def test_what_nothing_needs_after_is_replaced_at_once(self, release: Release) -> None:
        accept, use, drop, end = phases(release, API)
        assert accept == {"A": "api-1"}
        assert use == drop == end != accept

    def test_postgresql_learns_the_password_when_it_is_used_and_never_in_the_clear(self, release: Release) -> None:
        accept, use, *_rest = phases(release, DATABASE)
        assert accept["P"] == "password-1"
        assert use["P"] != "password-1"
        ((component, command, statement),) = release.ran
        assert component == "postgresql"
        assert statement.startswith("ALTER ROLE CURRENT_USER PASSWORD 'SCRAM-SHA-256$4096:")
        assert use["P"] not in statement + command

    def test_mysql_has_both_passwords_meanwhile(self, release: Release) -> None:
        phases(release, MYSQL)
        (accepts, accept), (drops, drop) = [(program, stdin) for _component, program, stdin in release.ran]
        assert "RETAIN CURRENT PASSWORD" in accepts
        assert accept == f"o'neil\n'o''neil'@'%'\n{release.values('airflow-secrets')['P']}\n"
        assert "DISCARD OLD PASSWORD" in drops
        assert drop == "'o''neil'@'%'\n"

    def test_tasks_with_an_old_token_are_waited_for_before_it_is_refused(self, release: Release) -> None:
        release.do("accept", JWT)
        release.do("use", JWT)
        release.fails = "scheduler"
        with pytest.raises(Failure):
            release.do("drop", JWT)
        assert release.values("airflow-jwt")["OTHER"] == "jwt-1"
        assert release.values("airflow-rotation")["phase"] == "use"

    def test_nothing_is_left_of_the_old_values(self, release: Release) -> None:
        phases(release, FERNET)
        assert ("Secret", "airflow", "airflow-rotation") not in release.cluster.objects
        assert release.do("use", FERNET)["changed"] is False


class TestInterrupted:
    @pytest.mark.parametrize("phase", PHASES[:-1])
    def test_a_phase_may_be_done_again(self, release: Release, phase: str) -> None:
        for before in PHASES[: PHASES.index(phase) + 1]:
            release.do(before, FERNET, JWT, API)
        once = [release.values(name) for name in BEFORE]
        release.do(phase, FERNET, JWT, API)
        assert [release.values(name) for name in BEFORE] == once

    @pytest.mark.parametrize("write", range(9))
    def test_the_next_run_ends_what_was_begun_with_its_values(self, release: Release, write: int) -> None:
        """Whichever write is the first that does not come about."""
        left = write

        def dies(_path: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Failure("killed")

        try:
            for phase in PHASES:
                with pytest.MonkeyPatch.context() as patched:
                    patched.setattr(secrets_rotate, "held", lambda client, task: _Held(client, dies))
                    release.do(phase, FERNET, JWT, API)
        except Failure:
            pass
        begun = {key: value for key, value in release.values("airflow-rotation").items() if key.endswith(".new")}
        for phase in PHASES:
            release.do(phase, FERNET, JWT, API)
        ended = {f"{value['kind']}.new": release.values(value["secret"])[value["key"]] for value in (FERNET, JWT, API)}
        assert begun in ({}, ended)
        assert release.values("airflow-jwt").keys() == {"J"}
        assert release.values("airflow-rotation") == {}

    def test_phases_that_are_over_are_not_done_again(self, release: Release) -> None:
        release.do("accept", JWT)
        release.do("use", JWT)
        before = release.values("airflow-jwt")
        assert release.said == []
        assert release.do("accept", JWT)["changed"] is False
        assert release.said == ["goes on with the rotation of jwt, which was interrupted in its phase use"]
        assert release.values("airflow-jwt") == before

    def test_another_wish_waits_until_it_is_over(self, release: Release) -> None:
        release.do("accept", JWT, API, only=["jwt"])
        assert release.do("use", JWT, API, only=["api"])["kinds"] == ["jwt"]
        assert release.values("airflow-api") == BEFORE["airflow-api"]


class _Held:
    """A release that is held, whose writes are counted."""

    def __init__(self, client: Any, guard: Callable[[str], None]) -> None:
        self._client, self._guard = client, guard

    def __enter__(self) -> _Held:
        self._client.guard = self._guard
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.guard = lambda _path: None

    def give_back(self) -> None:
        """Nobody waits for it."""


class TestRefusals:
    def test_a_given_value_is_the_users_to_change(self, release: Release) -> None:
        given = {**JWT, "given_by": "airflow_jwt_secret"}
        with pytest.raises(Failure, match=r"jwt cannot be rotated: its value comes from airflow_jwt_secret"):
            release.do("accept", given, API, only=["jwt"])
        assert release.values("airflow-rotation") == {}

    def test_all_means_what_is_ours(self, release: Release) -> None:
        assert release.do("accept", {**JWT, "given_by": "airflow_jwt_secret"}, API)["kinds"] == ["api"]
        assert any("jwt cannot be rotated" in line for line in release.said)

    def test_a_secret_of_the_users_is_only_read(self, release: Release) -> None:
        del release.cluster.objects["Secret", "airflow", "airflow-jwt"]["metadata"]["labels"]
        with pytest.raises(Failure, match="the Secret airflow-jwt is yours"):
            release.do("accept", JWT)

    def test_what_is_not_there_cannot_be_replaced(self, release: Release) -> None:
        with pytest.raises(Failure, match=r"no password in a Secret airflow-flower\. Deploy"):
            release.do("accept", {"kind": "flower", "secret": "airflow-flower", "key": "password"})

    def test_an_unknown_kind_is_named_with_the_known_ones(self, release: Release) -> None:
        with pytest.raises(Failure, match=r"names tls\. It may name: jwt, api"):
            release.do("accept", JWT, API, only=["tls"])

    def test_what_the_cluster_refuses_is_told(self, release: Release) -> None:
        release.cluster.refusals["create Secret/airflow-rotation"] = ApiFailure("no", 403, "Forbidden")
        with pytest.raises(Failure, match="no"):
            release.do("accept", JWT)


def test_check_mode_tells_and_does_nothing(release: Release) -> None:
    result = release.do("accept", JWT, API, check_mode=True)
    assert result == {"changed": True, "phase": "accept", "kinds": ["jwt", "api"]}
    assert release.values("airflow-rotation") == {}
    assert release.values("airflow-jwt") == BEFORE["airflow-jwt"]


def test_no_value_is_told(release: Release) -> None:
    told = [release.do(phase, FERNET, JWT, REDIS, API, DATABASE) for phase in PHASES]
    values = {value for name in BEFORE for value in release.values(name).values()} | {
        value for values in BEFORE.values() for value in values.values()
    }
    assert [value for value in values if value in json.dumps(told) + " ".join(release.said)] == []


def test_a_scram_secret_is_that_of_rfc_7677() -> None:
    """The server's signature of the RFC's example is made of it."""
    secret = scram("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    assert secret == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
        "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )
    assert scram("pencil") != scram("pencil")


def test_a_text_of_mysqls_is_quoted() -> None:
    assert mysql_text("a'b\\") == "'a''b\\\\'"
