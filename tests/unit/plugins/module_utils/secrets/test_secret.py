# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the keys of Secrets come to their values, which of them are never touched, and that none is ever told."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure, Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task
from ansible_collections.airflow.kubernetes.plugins.module_utils.secrets import secret as secrets_secret
from ansible_collections.airflow.kubernetes.plugins.module_utils.secrets.values import Key, checksum, derive, generate

# Everything that means something in a URL, a shell, a template or a log.
AWKWARD = "p@ss:/w?rd#%&+ \"'$(x){y}\\\u00e9"

OURS = {"airflow.kubernetes/release": "airflow"}


def encoded(data: dict[str, str]) -> dict[str, str]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}


def stored(cluster: Any, name: str) -> dict[str, str]:
    data = cluster.objects["Secret", "airflow", name]["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def wanted(name: str, *keys: dict[str, Any]) -> dict[str, Any]:
    """Return a Secret as the task's validated options have it."""
    defaults = {field: Key("").__getattribute__(field) for field in Key.__dataclass_fields__}
    return {"name": name, "labels": {"part": "login"}, "keys": [{**defaults, **key} for key in keys]}


@pytest.fixture
def ensure(cluster: Any, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the task over Secrets and return its result."""
    monkeypatch.setattr(secrets_secret, "Client", lambda params, *rest: cluster)

    def run(*secrets: dict[str, Any], render: str | None = None, check_mode: bool = False) -> dict[str, Any]:
        params = {**connection, "release": "airflow", "namespace": "airflow", "secrets": list(secrets)}
        return secrets_secret.run(Task({**params, "render": render}, check_mode=check_mode, diff_mode=True))

    return run


class TestGenerate:
    def test_a_password_is_of_letters_and_digits_and_as_long_as_asked(self) -> None:
        assert re.fullmatch(r"[A-Za-z0-9]{32}", generate("password"))
        assert len(generate("password", 64)) == 64

    def test_no_two_are_the_same(self) -> None:
        assert len({generate(what) for what in ("password", "fernet") for _time in range(20)}) == 40

    def test_a_fernet_key_is_one(self) -> None:
        fernet = pytest.importorskip("cryptography.fernet")
        assert fernet.Fernet(generate("fernet"))


class TestDerive:
    def test_any_password_fits_into_a_url(self) -> None:
        url = derive(
            "postgresql://{USER}:{PASSWORD}@db:5432/{DB}", {"USER": "u@x", "PASSWORD": AWKWARD, "DB": "a b"}, {}
        )
        parts = urlsplit(url)
        assert (parts.hostname, parts.port) == ("db", 5432)
        assert [unquote(part or "") for part in (parts.username, parts.password, parts.path)] == [
            "u@x",
            AWKWARD,
            "/a b",
        ]

    def test_a_string_of_json_is_quoted_as_one(self) -> None:
        filled = derive('{"password": {password}}', {"password": AWKWARD}, {}, quoting="json")
        assert json.loads(filled) == {"password": AWKWARD}

    def test_what_is_no_url_is_not_quoted(self) -> None:
        assert derive("{user}:{password}", {"user": "u", "password": AWKWARD}, {}, quoting="none") == f"u:{AWKWARD}"

    def test_a_value_that_looks_like_a_placeholder_is_left_alone(self) -> None:
        assert derive("{a}-{b}", {"a": "{b}", "b": "1"}, {}, quoting="none") == "{b}-1"

    def test_reads_other_secrets(self) -> None:
        assert derive("redis://:{airflow-redis/PASSWORD}@r", {}, {"airflow-redis": {"PASSWORD": "x"}}) == "redis://:x@r"

    @pytest.mark.parametrize("template", ["{MISSING}", "{other/KEY}"])
    def test_says_what_is_missing(self, template: str) -> None:
        with pytest.raises(Failure, match=re.escape(template)):
            derive(template, {"KEY": "1"}, {})


class TestChecksum:
    def test_changes_with_a_value_a_key_and_the_place(self) -> None:
        sums = [
            checksum({"a": "1"}, "ns/s"),
            checksum({"a": "2"}, "ns/s"),
            checksum({"b": "1"}, "ns/s"),
            checksum({"a": "1"}, "ns/other"),
            checksum({"a": "1", "b": "1"}, "ns/s"),
        ]
        assert len(set(sums)) == len(sums)

    def test_does_not_depend_on_the_order(self) -> None:
        assert checksum({"a": "1", "b": "2"}, "s") == checksum({"b": "2", "a": "1"}, "s")


class TestValues:
    def test_given_wins_over_generated(self, cluster: Any, ensure: Any) -> None:
        ensure(wanted("login", {"key": "a", "value": "given", "generate": "password"}, {"key": "b", "value": "other"}))
        assert stored(cluster, "login") == {"a": "given", "b": "other"}

    def test_empty_means_not_given(self, cluster: Any, ensure: Any) -> None:
        ensure(wanted("login", {"key": "a", "value": "", "generate": "password"}))
        assert len(stored(cluster, "login")["a"]) == 32

    def test_a_generated_value_stays(self, cluster: Any, ensure: Any) -> None:
        login = wanted("login", {"key": "a", "generate": "password"}, {"key": "f", "generate": "fernet"})
        first = ensure(login)
        before = stored(cluster, "login")
        cluster.log.clear()
        second = ensure(login)
        assert stored(cluster, "login") == before
        assert cluster.log == []
        assert (first["changed"], second["changed"]) == (True, False)
        assert first["secrets"]["login"]["generated"] == ["a", "f"]
        assert second["secrets"]["login"]["generated"] == []
        assert first["secrets"]["login"]["checksum"] == second["secrets"]["login"]["checksum"]

    def test_an_existing_value_stays_when_none_is_given_any_more(self, cluster: Any, ensure: Any) -> None:
        ensure(wanted("login", {"key": "a", "value": "mine", "generate": "password"}))
        ensure(wanted("login", {"key": "a", "value": "", "generate": "password"}))
        assert stored(cluster, "login") == {"a": "mine"}

    def test_a_given_value_replaces_the_existing_one(self, cluster: Any, ensure: Any) -> None:
        first = ensure(wanted("login", {"key": "a", "generate": "password"}))
        second = ensure(wanted("login", {"key": "a", "value": "given", "generate": "password"}))
        assert stored(cluster, "login") == {"a": "given"}
        assert second["secrets"]["login"]["changed"] is True
        assert first["secrets"]["login"]["checksum"] != second["secrets"]["login"]["checksum"]

    def test_the_checksum_of_a_single_key_changes_with_that_alone(self, ensure: Any) -> None:
        def sums(**values: str) -> dict[str, str]:
            keys = [{"key": key, "value": value, "checksum": key == "a"} for key, value in values.items()]
            sums: dict[str, str] = ensure(wanted("login", *keys))["secrets"]["login"]["checksums"]
            return sums

        first = sums(a="1", b="1")
        assert list(first) == ["a"]
        assert sums(a="1", b="2") == first
        assert sums(a="2", b="2") != first

    def test_a_key_that_is_missing_is_added_and_the_others_stay(self, cluster: Any, ensure: Any) -> None:
        ensure(wanted("login", {"key": "a", "generate": "password"}))
        before = stored(cluster, "login")
        result = ensure(wanted("login", {"key": "a", "generate": "password"}, {"key": "b", "generate": "password"}))
        assert stored(cluster, "login")["a"] == before["a"]
        assert result["secrets"]["login"]["generated"] == ["b"]

    def test_what_is_derived_follows_what_it_derives_from(self, cluster: Any, ensure: Any) -> None:
        def urls(password: str) -> dict[str, str]:
            ensure(
                wanted("login", {"key": "URL", "derive": "x://{redis/PASSWORD}"}),
                wanted("redis", {"key": "PASSWORD", "value": password}),
            )
            return stored(cluster, "login")

        assert urls("one") == {"URL": "x://one"}
        assert urls("t/wo") == {"URL": "x://t%2Fwo"}

    def test_a_value_that_nobody_gives_is_asked_for_by_its_variable(self, ensure: Any) -> None:
        with pytest.raises(Failure, match="The Secret login needs a value for a: set airflow_login"):
            ensure(wanted("login", {"key": "a", "variable": "airflow_login"}))

    def test_what_was_set_up_with_the_old_value_is_not_given_another(self, cluster: Any, ensure: Any) -> None:
        key = {"key": "a", "keep": True, "generate": "password", "variable": "airflow_database_password"}
        ensure(wanted("login", {**key, "value": "hunter2"}))
        cluster.log.clear()
        with pytest.raises(Failure, match="airflow_database_password differs") as failure:
            ensure(wanted("login", {**key, "value": "correct horse"}))
        assert cluster.log == []
        assert "hunter2" not in failure.value.message
        assert "correct horse" not in failure.value.message

    def test_what_has_to_stay_may_be_given_again_or_left_out(self, cluster: Any, ensure: Any) -> None:
        key = {"key": "a", "keep": True, "generate": "password"}
        ensure(wanted("login", {**key, "value": "hunter2"}))
        assert ensure(wanted("login", {**key, "value": "hunter2"}))["changed"] is False
        assert ensure(wanted("login", key))["changed"] is False

    def test_what_is_no_text_is_kept_byte_for_byte(self, cluster: Any, ensure: Any) -> None:
        raw = base64.b64encode(b"\xff\xfe\x00").decode()
        cluster.add("Secret", "login", metadata={"labels": OURS}, data={"a": raw})
        ensure(wanted("login", {"key": "a", "generate": "password"}, {"key": "b", "value": "new"}))
        assert cluster.objects["Secret", "airflow", "login"]["data"]["a"] == raw


class TestWriting:
    def test_a_new_secret_carries_the_release_and_its_labels(self, cluster: Any, ensure: Any) -> None:
        ensure(wanted("login", {"key": "a", "value": "1"}))
        secret = cluster.objects["Secret", "airflow", "login"]
        assert secret["metadata"]["labels"] == {"part": "login", **OURS}
        assert secret["type"] == "Opaque"

    def test_a_value_in_the_clear_is_in_no_part_of_it(self, cluster: Any, ensure: Any) -> None:
        ensure(wanted("login", {"key": "a", "value": "hunter2"}))
        assert "hunter2" not in json.dumps(cluster.objects["Secret", "airflow", "login"])

    def test_check_mode_writes_nothing_and_tells_what_it_would(self, cluster: Any, ensure: Any) -> None:
        result = ensure(wanted("login", {"key": "a", "generate": "password"}), check_mode=True)
        assert result["changed"] is True
        assert cluster.log == []
        assert cluster.names("Secret") == []

    @pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
    def test_a_run_that_comes_second_does_not_overwrite(
        self, cluster: Any, ensure: Any, monkeypatch: pytest.MonkeyPatch, there: bool
    ) -> None:
        if there:
            cluster.add("Secret", "login", metadata={"labels": OURS}, data=encoded({"b": "1"}))

        def conflict(*_args: Any, **_rest: Any) -> None:
            raise ApiFailure("the object has been modified", 409, "Conflict")

        monkeypatch.setattr(cluster, "create", conflict)
        monkeypatch.setattr(cluster, "apply", conflict)
        with pytest.raises(Failure, match="somebody else has written it"):
            ensure(wanted("login", {"key": "a", "generate": "password"}))

    def test_says_which_version_it_extends(self, cluster: Any, ensure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """The cluster refuses a version that is not the newest."""
        cluster.add("Secret", "login", metadata={"labels": OURS}, data=encoded({"b": "1"}))
        versions = []
        monkeypatch.setattr(
            cluster, "apply", lambda manifest, *_args, **_rest: versions.append(manifest["metadata"]["resourceVersion"])
        )
        ensure(wanted("login", {"key": "a", "generate": "password"}))
        assert versions == ["1"]

    def test_says_what_the_cluster_refuses(self, cluster: Any, ensure: Any) -> None:
        cluster.refusals["create Secret/login"] = ApiFailure("secrets is forbidden", 403, "Forbidden")
        with pytest.raises(Failure, match="Secret/login: secrets is forbidden"):
            ensure(wanted("login", {"key": "a", "generate": "password"}))


class TestMoved:
    """Keys that used to be in another Secret of the release."""

    WANTED = (
        wanted("old", {"key": "a", "generate": "password"}),
        wanted("new", {"key": "F", "generate": "fernet", "keep": True, "migrate_from": "old"}),
        wanted("url", {"key": "URL", "derive": "x://{old/a}", "migrate_from": "old"}),
    )

    @pytest.fixture
    def before(self, cluster: Any, ensure: Any) -> dict[str, str]:
        ensure(
            wanted(
                "old", {"key": "a", "generate": "password"}, {"key": "F", "value": "key"}, {"key": "URL", "value": "u"}
            )
        )
        cluster.log.clear()
        return stored(cluster, "old")

    def test_keep_their_value_and_leave_their_old_place(self, cluster: Any, ensure: Any, before: Any) -> None:
        result = ensure(*self.WANTED)
        assert stored(cluster, "new") == {"F": "key"}
        assert stored(cluster, "url") == {"URL": f"x://{before['a']}"}
        assert stored(cluster, "old") == {"a": before["a"]}
        assert result["secrets"]["old"]["changed"]
        assert result["secrets"]["new"]["generated"] == []
        assert ensure(*self.WANTED)["changed"] is False

    def test_are_never_without_a_place(self, cluster: Any, ensure: Any, before: Any) -> None:
        """A run may be killed before any of its writes, and the key must be there for the next one."""
        ensure(wanted("old", {"key": "a", "value": "changed"}), *self.WANTED[1:])
        names = [line.split("/")[1] for line in cluster.log]
        assert names.index("new") < names.index("old")
        assert cluster.log[-1] == "patch Secret/old"

    def test_stay_in_check_mode(self, cluster: Any, ensure: Any, before: Any) -> None:
        assert ensure(*self.WANTED, check_mode=True)["changed"]
        assert stored(cluster, "old") == before

    def test_are_not_removed_from_a_secret_of_the_users(self, cluster: Any, ensure: Any) -> None:
        cluster.add("Secret", "old", data=encoded({"a": "1", "F": "theirs"}))
        ensure(*self.WANTED)
        assert stored(cluster, "old") == {"a": "1", "F": "theirs"}
        assert stored(cluster, "new") == {"F": "theirs"}


class TestOptional:
    def test_is_read_where_it_is_there_and_never_made(self, cluster: Any, ensure: Any) -> None:
        secret = wanted("jwt", {"key": "a", "generate": "password"}, {"key": "other", "optional": True})
        without = ensure(secret)["secrets"]["jwt"]["checksum"]
        assert stored(cluster, "jwt").keys() == {"a"}
        cluster.objects["Secret", "airflow", "jwt"]["data"] |= encoded({"other": "x"})
        result = ensure(secret)
        assert stored(cluster, "jwt")["other"] == "x"
        assert result["changed"] is False
        assert result["secrets"]["jwt"]["checksum"] != without

    def test_may_be_missing_in_a_secret_of_the_users(self, cluster: Any, ensure: Any) -> None:
        cluster.add("Secret", "jwt", data=encoded({"a": "1"}))
        assert not ensure(wanted("jwt", {"key": "a"}, {"key": "other", "optional": True}))["changed"]


class TestUsersOwn:
    def test_is_read_and_never_written(self, cluster: Any, ensure: Any) -> None:
        cluster.add("Secret", "login", data=encoded({"a": "mine", "more": "mine too"}))
        result = ensure(wanted("login", {"key": "a", "value": "given"}))
        assert cluster.log == []
        assert stored(cluster, "login") == {"a": "mine", "more": "mine too"}
        assert result["changed"] is False
        assert result["secrets"]["login"]["managed"] is False

    def test_of_another_release_is_somebody_elses(self, cluster: Any, ensure: Any) -> None:
        cluster.add(
            "Secret", "login", metadata={"labels": {"airflow.kubernetes/release": "other"}}, data=encoded({"a": "1"})
        )
        assert ensure(wanted("login", {"key": "a", "value": "2"}))["secrets"]["login"]["managed"] is False

    def test_has_to_hold_every_key_the_derived_ones_too(self, cluster: Any, ensure: Any) -> None:
        cluster.add("Secret", "login", data=encoded({"a": "hunter2"}))
        with pytest.raises(Failure, match="has no key b, url") as failure:
            ensure(wanted("login", {"key": "a"}, {"key": "b", "generate": "password"}, {"key": "url", "derive": "{a}"}))
        assert "hunter2" not in failure.value.message
        assert cluster.log == []

    def test_its_values_go_into_what_others_derive(self, cluster: Any, ensure: Any) -> None:
        cluster.add("Secret", "redis", data=encoded({"PASSWORD": "mine"}))
        ensure(
            wanted("login", {"key": "URL", "derive": "x://{redis/PASSWORD}"}),
            wanted("redis", {"key": "PASSWORD", "generate": "password"}),
        )
        assert stored(cluster, "login") == {"URL": "x://mine"}

    def test_a_change_of_it_is_seen(self, cluster: Any, ensure: Any) -> None:
        def seen(value: str) -> str:
            cluster.add("Secret", "login", data=encoded({"a": value}))
            return str(ensure(wanted("login", {"key": "a"}))["secrets"]["login"]["checksum"])

        assert seen("1") == seen("1")
        assert seen("1") != seen("2")


#: A key whose value is in a Secret that no task makes.
THEIRS = {"key": "PASSWORD", "derive": "{theirs/password}", "quote": "none", "variable": "airflow_database_secret"}


class TestSomebodyElses:
    """A Secret that no task makes, but that a value derives from."""

    def test_is_read_and_never_written(self, cluster: Any, ensure: Any) -> None:
        cluster.add("Secret", "theirs", data=encoded({"password": "p@ss"}))
        ensure(wanted("login", THEIRS, {"key": "URL", "derive": "x://{PASSWORD}"}))
        assert stored(cluster, "login") == {"PASSWORD": "p@ss", "URL": "x://p%40ss"}
        assert cluster.log == ["create Secret/login"]

    def test_its_values_reach_what_derives_from_what_derives_from_it(self, cluster: Any, ensure: Any) -> None:
        cluster.add("Secret", "theirs", data=encoded({"password": "p@ss"}))
        ensure(wanted("login", {"key": "URL", "derive": "x://{redis/PASSWORD}"}), wanted("redis", THEIRS))
        assert stored(cluster, "login") == {"URL": "x://p%40ss"}

    def test_has_to_be_there(self, cluster: Any, ensure: Any) -> None:
        with pytest.raises(
            Failure, match="airflow_database_secret names the Secret theirs, but the namespace has none"
        ):
            ensure(wanted("login", THEIRS))
        assert cluster.log == []

    def test_has_to_have_the_key(self, cluster: Any, ensure: Any) -> None:
        cluster.add("Secret", "theirs", data=encoded({"pass": "hunter2"}))
        with pytest.raises(Failure, match=r"has no key password. It has: pass\.") as failure:
            ensure(wanted("login", THEIRS))
        assert "hunter2" not in failure.value.message


class TestNothingIsTold:
    @pytest.mark.parametrize("check_mode", [False, True])
    def test_no_value_is_in_a_result(self, cluster: Any, ensure: Any, check_mode: bool) -> None:
        cluster.add("Secret", "theirs", data=encoded({"a": "hunter1"}))
        result = ensure(
            wanted("theirs", {"key": "a"}),
            wanted("login", {"key": "a", "value": "hunter2"}, {"key": "url", "derive": "x://{a}"}),
            wanted("random", {"key": "a", "generate": "password"}),
            check_mode=check_mode,
        )
        told = json.dumps(result)
        values = ["hunter1", "hunter2"] + ([] if check_mode else list(stored(cluster, "random").values()))
        assert [value for value in values if value in told or base64.b64encode(value.encode()).decode() in told] == []

    def test_no_value_is_rendered(self, ensure: Any, tmp_path: Path) -> None:
        ensure(
            wanted("login", {"key": "a", "value": "hunter2"}, {"key": "url", "derive": "x://{a}"}), render=str(tmp_path)
        )
        assert "hunter2" not in (tmp_path / "secrets" / "login.txt").read_text()


class TestRender:
    login = ({"key": "a", "value": "1"}, {"key": "b", "generate": "fernet"}, {"key": "url", "derive": "x://{a}"})

    def test_tells_where_each_key_comes_from(self, ensure: Any, tmp_path: Path) -> None:
        ensure(wanted("login", *self.login), render=str(tmp_path))
        text = (tmp_path / "secrets" / "login.txt").read_text()
        assert text.endswith("\n\na: given in the inventory\nb: generated: fernet\nurl: x://{a}\n")

    def test_of_two_tasks_both_stay(self, ensure: Any, tmp_path: Path) -> None:
        ensure(wanted("login", *self.login), render=str(tmp_path))
        ensure(wanted("flower", *self.login), render=str(tmp_path))
        assert {path.name for path in (tmp_path / "secrets").iterdir()} == {"login.txt", "flower.txt"}

    def test_changes_only_what_differs(self, ensure: Any, tmp_path: Path) -> None:
        assert ensure(wanted("login", *self.login), render=str(tmp_path), check_mode=True)["changed"] is True
        assert not (tmp_path / "secrets").exists()
        assert ensure(wanted("login", *self.login), render=str(tmp_path))["changed"] is True
        assert ensure(wanted("login", *self.login), render=str(tmp_path))["changed"] is False

    def test_asks_no_cluster(self, ensure: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(params: Any, *rest: Any) -> None:
            raise AssertionError("a cluster was asked")

        monkeypatch.setattr(secrets_secret, "Client", refuse)
        result = ensure(wanted("login", *self.login, {"key": "c", "checksum": True}), render=str(tmp_path))
        assert result["secrets"]["login"]["checksum"] == "rendered"
        assert result["secrets"]["login"]["checksums"] == {"c": "rendered"}
