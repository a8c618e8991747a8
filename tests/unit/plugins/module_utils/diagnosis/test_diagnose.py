# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A diagnosis tells all there is, without secrets, and whatever is missing."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
import yaml

from ansible_collections.airflow.kubernetes.plugins.module_utils.core.errors import ApiFailure, Failure
from ansible_collections.airflow.kubernetes.plugins.module_utils.diagnosis import collect, facts_program
from ansible_collections.airflow.kubernetes.plugins.module_utils.diagnosis import diagnose as diagnosis_diagnose
from ansible_collections.airflow.kubernetes.plugins.module_utils.diagnosis.collect import (
    Crew,
    Log,
    containers_with_airflow,
    events_about,
    lines_of_each,
    logs_of,
    references,
)
from ansible_collections.airflow.kubernetes.plugins.module_utils.kube.task import Task
from ansible_collections.airflow.kubernetes.plugins.module_utils.redaction.redactor import (
    SENSITIVE_NAME,
    is_secret_name,
)

RECORDED = Path(__file__).parents[1] / "recorded"
SECRET = "Gr33n/tree:blue%sky"
FORBIDDEN = ApiFailure('User "x" cannot list this', 403, "Forbidden")

Obj = dict[str, Any]


def recorded(name: str) -> list[Obj]:
    objects: list[Obj] = yaml.safe_load((RECORDED / f"{name}.yaml").read_text(encoding="utf-8"))["objects"]
    return objects


def base64ed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class FakeClient:
    """A cluster that has been recorded.

    :ivar answers: by the end of a request's path, what is answered instead; exceptions are raised.
    :ivar log: what containers have logged.
    """

    where = "context test"

    def __init__(self, objects: list[Obj]) -> None:
        # In a list, objects do not say their kind.
        self.objects: dict[str, list[Obj]] = {}
        for obj in objects:
            self.objects.setdefault(f"{obj['kind'].lower()}s", []).append({k: v for k, v in obj.items() if k != "kind"})
        self.answers: dict[str, Any] = {"/version": {"gitVersion": "v1.34.4"}}
        self.log: Callable[[str, dict[str, str]], str] = lambda path, query: f"started {path}\n"
        self.asked: list[str] = []

    def request(self, method: str, path: str, **params: Any) -> Any:
        assert method == "get"
        self.asked.append(path)
        for end, answer in self.answers.items():
            if path.endswith(end):
                if isinstance(answer, Exception):
                    raise answer
                return answer
        if path.startswith("/api/v1/namespaces/") and path.count("/") == 4:
            return {"metadata": {"name": "airflow"}, "status": {"phase": "Active"}}
        return {"items": self.objects.get(path.rpartition("/")[2], []), "metadata": {}}

    def text(self, method: str, path: str, query_params: list[tuple[str, str]], **params: Any) -> str:
        self.asked.append(path)
        return self.log(path, dict(query_params))

    def now(self) -> datetime:
        return datetime(2026, 11, 21, 23, 51, tzinfo=UTC)


class FakeExec:
    """Answers as the program would in a pod."""

    facts: ClassVar[Obj] = {"problems": [], "packages": {"apache-airflow": "3.1.0", "celery": "5.5.3"}}

    def __init__(self, client: Any, namespace: str, pod: str, container: str, command: Any, silence: float) -> None:
        answer = json.dumps(self.facts).encode()
        self.left = b"%08d" % len(answer) + answer

    def __enter__(self) -> FakeExec:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def write(self, data: bytes) -> None:
        assert b"def facts" in data

    def read(self, size: int) -> bytes:
        taken, self.left = self.left[:size], self.left[size:]
        return taken


@pytest.fixture
def diagnose(tmp_path: Path, connection: Obj, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Obj]:
    """Run the module's work on a fake cluster."""
    monkeypatch.setattr(collect, "Exec", FakeExec)

    def run(client: FakeClient, check_mode: bool = False, **options: Any) -> Obj:
        monkeypatch.setattr(diagnosis_diagnose, "Client", lambda params, *rest: client)
        defaults = {"directory": str(tmp_path / "d"), "name": None, "archive": False, "failure": "", "health": None}
        release = {"namespace": "airflow", "release": "airflow", "permissions": []}
        params = {**connection, **release, **defaults, **options}
        return diagnosis_diagnose.run(Task(params, check_mode=check_mode))

    return run


def tree(path: str) -> dict[str, str]:
    root = Path(path)
    return {str(file.relative_to(root)): file.read_text(encoding="utf-8") for file in root.rglob("*") if file.is_file()}


def test_a_crashing_release(diagnose: Any) -> None:
    result = diagnose(FakeClient(recorded("crash")))
    files = tree(result["path"])
    assert not result["healthy"]
    assert result["verdicts"][0]["verdict"] == "failed"
    assert {"summary.md", "problems.md", "verdicts.yaml", "facts.yaml", "events.txt"} <= files.keys()
    assert any(path.startswith("objects/pod-airflow-scheduler-") for path in files)
    [present] = [path for path in files if path.startswith("logs/") and not path.endswith(".previous.log")]
    assert present.replace(".log", ".previous.log") in files
    assert "BackOff" in files["events.txt"]
    said = "\n".join(result["summary"])
    assert said.startswith("Release airflow in namespace airflow: not healthy")
    assert "Deployment/airflow-scheduler  failed: " in said
    assert "  | started /api/v1/namespaces/airflow/pods/airflow-scheduler-" in said
    assert "Last warnings of the cluster:\n  20" in said
    for line in result["summary"][:3]:
        assert line in files["summary.md"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            {
                "metadatabase": {"status": "healthy"},
                "scheduler": {"status": "unhealthy", "latest_scheduler_heartbeat": "2026-11-21T23:50:00Z"},
            },
            "Health/scheduler  unhealthy: last heartbeat 60 s ago",
        ),
        (ApiFailure("no endpoints available", 503), "Health  unknown: no endpoints available"),
    ],
)
def test_what_airflow_says_of_itself(diagnose: Any, answer: Any, told: str) -> None:
    client = FakeClient(recorded("healthy"))
    client.answers["/api/v2/monitor/health"] = answer
    health = {"service": "airflow-api-server", "port": 8080, "path": "/api/v2/monitor/health", "scheme": "http"}
    health |= {"workload": None, "components": ["scheduler"], "grace": 60, "exec": None}
    result = diagnose(client, health=health)
    assert not result["healthy"]
    assert told in result["summary"]
    assert told in tree(result["path"])["summary.md"]


def test_of_what_is_not_done_the_containers_at_work_are_heard(diagnose: Any) -> None:
    result = diagnose(FakeClient(recorded("gate")), failure="Release airflow is not ready after 600 s.")
    heard = [line for line in result["summary"] if line.startswith("End of the log")]
    assert [line for line in heard if "container wait-for-" in line], heard
    # The Job's own program runs, and says who blocks it.
    assert all("container wait-for-" in line or "airflow-migrations-" in line for line in heard), heard


def test_of_a_failure_that_was_told_only_the_rest_is_told(diagnose: Any) -> None:
    result = diagnose(FakeClient(recorded("crash")), failure="Release airflow cannot become ready: x")
    assert result["summary"][0] == "Last warnings of the cluster:"
    assert not any(line.startswith(("End of the log", "Deployment/")) for line in result["summary"])
    assert "## What failed\n\n```text\nRelease airflow cannot become ready: x" in tree(result["path"])["summary.md"]


def test_only_the_user_can_read_it(diagnose: Any, tmp_path: Path) -> None:
    result = diagnose(FakeClient(recorded("crash")), name="prod/eu")
    folder = Path(result["path"])
    assert folder.name == "prod-eu-20261121T235100Z"
    modes = {path.stat().st_mode & 0o777 for path in [tmp_path / "d", folder, *folder.rglob("*")]}
    assert modes == {0o700, 0o600}
    assert (tmp_path / "d" / ".gitignore").read_text() == "*\n"


def test_an_archive(diagnose: Any) -> None:
    result = diagnose(FakeClient(recorded("crash")), archive=True)
    path = Path(result["path"])
    assert path.name == "airflow-20261121T235100Z.tar.gz"
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as tar:
        assert {member.mode for member in tar} == {0o600}
        assert "airflow-20261121T235100Z/summary.md" in tar.getnames()


def test_check_mode_writes_nothing(diagnose: Any, tmp_path: Path) -> None:
    result = diagnose(FakeClient(recorded("crash")), check_mode=True)
    assert (result["path"], result["changed"]) == ("", False)
    assert result["summary"]
    assert not (tmp_path / "d").exists()


def test_a_directory_that_cannot_be_written_to(diagnose: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match=r"cannot be written to .*Name a directory"):
        diagnose(FakeClient([]), directory=str(tmp_path / "file"))


def spellings(value: str) -> set[str]:
    quoted = quote(value, safe="")
    lower = re.sub("%..", lambda found: found[0].lower(), quoted)
    return {value, base64ed(value), base64ed(value).rstrip("="), quoted, lower, json.dumps(value)[1:-1]}


def test_no_secret_is_in_any_file(diagnose: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every secret is somewhere that names it, and in other places that do not."""
    planted = {which: f"{SECRET}-{which}" for which in ("data", "env", "config", "url", "flag", "unlabelled")}
    everywhere = " ".join(spelling for value in planted.values() for spelling in spellings(value))
    url = f"postgresql://airflow:{quote(planted['url'], safe='')}@db/airflow"
    ours = {"airflow.kubernetes/release": "airflow"}
    objects = recorded("crash")
    pod = next(obj for obj in objects if obj["kind"] == "Pod")
    pod["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": everywhere,
        "mine/note": everywhere,
        "mine/token": "0nly-known-by-its-name",
    }
    pod["spec"]["containers"][0]["env"] = [
        {"name": "CLIENT_SECRET", "value": planted["env"]},
        {"name": "NOTE", "value": everywhere},
    ]
    pod["spec"]["containers"][0]["args"] = ["--password", planted["flag"], f"--note={planted['data']}"]
    pod["spec"]["imagePullSecrets"] = [{"name": "mine"}]
    data = {"password": base64ed(planted["data"]), "conn": base64ed(url)}
    objects += [
        {
            "kind": "Secret",
            "metadata": {"name": "airflow-secrets", "labels": ours, "annotations": {"note": everywhere}},
            "data": data,
        },
        {"kind": "Secret", "metadata": {"name": "mine"}, "data": {"x": base64ed(planted["unlabelled"])}},
        {
            "kind": "ConfigMap",
            "metadata": {"name": "airflow-config", "labels": ours},
            "data": {"AIRFLOW__SMTP__SMTP_PASSWORD": planted["config"], "NOTE": everywhere},
        },
        {
            "kind": "Event",
            "metadata": {"name": "e", "creationTimestamp": "2026-11-21T23:50:40Z"},
            "involvedObject": {"kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]},
            "type": "Warning",
            "reason": "Failed",
            "message": f"x {everywhere}",
        },
        {"kind": "Node", "metadata": {"name": "n", "labels": {"note": everywhere}}},
    ]
    for status in pod["status"]["containerStatuses"]:
        status["lastState"]["terminated"]["message"] = everywhere
    monkeypatch.setattr(
        FakeExec, "facts", {"problems": [everywhere], "options": [{"option": "a.b", "value": everywhere}]}
    )
    client = FakeClient(objects)
    client.log = lambda path, query: (
        f"one {everywhere}\n--password {planted['data']}\nPASSWORD='{planted['env']}'\n{url}\n"
    )
    client.answers["resourcequotas"] = Failure(f"broken: {everywhere}")
    result = diagnose(client, failure=f"failed: {everywhere}")
    files = {**tree(result["path"]), "the result": json.dumps(result)}
    assert "secret-mine" in "".join(files)
    sought = {spelling for value in planted.values() for spelling in spellings(value)}
    found = [(path, spelling) for path, text in files.items() for spelling in sought if spelling in text]
    assert found == []
    pod_file = next(text for path, text in files.items() if path.startswith("objects/pod-"))
    assert "0nly-known-by-its-name" not in pod_file
    assert yaml.safe_load(pod_file)["spec"]["containers"][0]["args"][1] == "********"


def test_what_may_not_be_read_is_noted(diagnose: Any) -> None:
    client = FakeClient(recorded("crash"))
    client.answers |= {"/secrets": FORBIDDEN, "/nodes": FORBIDDEN, "/storageclasses": FORBIDDEN, "/airflow": FORBIDDEN}

    def refuse(path: str, query: dict[str, str]) -> str:
        raise FORBIDDEN

    client.log = refuse
    result = diagnose(client)
    problems = tree(result["path"])["problems.md"]
    for what in ("secrets", "nodes", "storageclasses", "namespace"):
        assert f"- {what}: may not be read: User" in problems
    assert "- airflow-scheduler-" in problems
    assert result["verdicts"][0]["verdict"] == "failed"


def test_nothing_at_all_may_be_read(diagnose: Any) -> None:
    client = FakeClient([])
    client.answers = {"": FORBIDDEN}
    result = diagnose(client)
    assert len(result["problems"]) > 15
    assert result["verdicts"] == []


def test_no_container_with_airflow_runs(diagnose: Any) -> None:
    problems = diagnose(FakeClient(recorded("image-missing")))["problems"]
    assert "Facts of Airflow: no container with Airflow in it runs" in problems


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ApiFailure("not found", 404, "NotFound"), "does not exist (context test)"),
        (
            {"status": {"phase": "Terminating", "conditions": [{"status": "True", "message": "3 pods remain"}]}},
            "is being deleted",
        ),
    ],
)
def test_the_namespace_is_not_there(diagnose: Any, answer: Any, reason: str) -> None:
    client = FakeClient([])
    client.answers["/namespaces/airflow"] = answer
    result = diagnose(client)
    assert (result["verdicts"][0]["kind"], result["verdicts"][0]["reason"]) == ("Namespace", reason)
    assert any(reason in line for line in result["summary"])
    assert not result["healthy"]


def test_another_release_of_the_namespace_is_not_in_it(diagnose: Any) -> None:
    client = FakeClient(recorded("crash"))
    result = diagnose(client, release="other")
    assert not any("airflow-scheduler" in path + text for path, text in tree(result["path"]).items())
    assert any("no workload in namespace airflow carries the label of other" in line for line in result["problems"])


def test_what_no_judge_has_seen_before_is_written_down(diagnose: Any) -> None:
    objects = recorded("crash")
    next(obj for obj in objects if obj["kind"] == "Deployment")["status"] = "odd"
    result = diagnose(FakeClient(objects))
    assert any(problem.startswith("Verdicts: ") for problem in result["problems"])
    assert any(path.startswith("logs/") for path in tree(result["path"]))


def test_of_a_log_that_is_too_long_the_end_is_read(diagnose: Any) -> None:
    client = FakeClient(recorded("crash"))
    client.log = lambda path, query: ("x" * 2000 + "\n") * int(query["tailLines"]) + "the end\n"
    logs = [text for path, text in tree(diagnose(client)["path"]).items() if path.startswith("logs/")]
    assert all(text.endswith("the end\n") and len(text) < collect.BYTES for text in logs)


def test_what_does_not_answer_is_not_waited_for() -> None:
    problems: list[str] = []
    hangs = threading.Event()
    began = time.monotonic()
    crew = Crew(began + 0.2, problems)
    answers = crew.ask({"quick": lambda: 1, "slow": lambda: hangs.wait(30), "broken": lambda: {}["x"]})
    hangs.set()
    assert time.monotonic() - began < 5
    assert answers == {"quick": 1}
    assert problems == ["broken: KeyError: 'x'", "slow: no answer in time"]


def pod(name: str, ready: bool = True, **states: Any) -> Obj:
    return {
        "kind": "Pod",
        "metadata": {"name": name, "uid": name},
        "spec": {"containers": [{"name": "main", "envFrom": [{"configMapRef": {"name": "airflow-config"}}]}]},
        "status": {
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": "main", **states}],
        },
    }


def test_logs_of_what_is_not_ready_come_first_and_none_of_what_never_ran() -> None:
    pods = [
        pod("a", state={"running": {}}),
        pod("b", ready=False, state={"waiting": {}}, lastState={"terminated": {}}, restartCount=1),
        pod("c", ready=False, state={"waiting": {}}, restartCount=0),
    ]
    assert list(logs_of(pods)) == [Log("b", "main"), Log("b", "main", previous=True), Log("a", "main")]


def test_the_more_logs_the_fewer_lines_of_each() -> None:
    assert [lines_of_each(logs) for logs in (0, 20, 40, 1000)] == [1000, 1000, 500, 100]


def test_airflow_is_asked_where_it_runs_and_is_ready() -> None:
    pods = [
        pod("a", ready=False, state={"running": {}}),
        pod("b", state={"running": {}}),
        pod("c", state={"waiting": {}}),
    ]
    assert list(containers_with_airflow(pods, "airflow-config")) == [("b", "main"), ("a", "main")]
    assert list(containers_with_airflow(pods, "other-config")) == []


def test_references() -> None:
    spec = {
        "imagePullSecrets": [{"name": "pull"}],
        "volumes": [
            {"secret": {"secretName": "tls"}},
            {"configMap": {"name": "scripts"}},
            {"persistentVolumeClaim": {"claimName": "dags"}},
            {"projected": {"sources": [{"secret": {"name": "part"}}]}},
        ],
        "containers": [
            {
                "envFrom": [{"secretRef": {"name": "a"}}, {"configMapRef": {"name": "b"}}],
                "env": [{"valueFrom": {"secretKeyRef": {"name": "c", "key": "k"}}}],
            }
        ],
    }
    assert set(references({"spec": spec})) == {
        ("Secret", "pull"),
        ("Secret", "tls"),
        ("Secret", "part"),
        ("Secret", "a"),
        ("Secret", "c"),
        ("ConfigMap", "scripts"),
        ("ConfigMap", "b"),
        ("PersistentVolumeClaim", "dags"),
    }


def test_events_of_the_release_in_order() -> None:
    def event(about: str, uid: str, minute: int) -> Obj:
        return {
            "metadata": {"name": about},
            "involvedObject": {"name": about, "uid": uid},
            "lastTimestamp": f"2026-01-01T00:{minute:02}:00Z",
        }

    deployment = {"kind": "Deployment", "metadata": {"name": "airflow-scheduler", "uid": "1"}}
    events = [event("x", "1", 3), event("airflow-scheduler-gone-pod", "9", 2), event("other", "8", 1)]
    found = [event["metadata"]["name"] for event in events_about(events, [deployment])]
    assert found == ["airflow-scheduler-gone-pod", "x"]


class TestFactsInAPod:
    @pytest.fixture
    def airflow(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """An installed Airflow, as far as its files are looked at."""
        root = tmp_path / "airflow"
        (root / "migrations" / "versions").mkdir(parents=True)
        (root / "config_templates").mkdir()
        (root / "__init__.py").write_text("raise RuntimeError('imported')")
        (tmp_path / "apache_airflow-3.1.0.dist-info").mkdir()
        versions = root / "migrations" / "versions"
        (versions / "1.py").write_text('revision = "aaa"\ndown_revision = None\n')
        (versions / "2.py").write_text('revision: str = "bbb"\ndown_revision = "aaa"\n')
        options = {"executor": {"default": "LocalExecutor"}, "parallelism": {"default": "32"}}
        template = {"core": {"options": options}}
        (root / "config_templates" / "config.yml").write_text(yaml.dump(template))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
        monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "32")
        monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", SECRET)
        return tmp_path

    def test_told_without_importing_airflow(self, airflow: Path) -> None:
        program = [sys.executable, "-c", Path(facts_program.__file__).read_text(), SENSITIVE_NAME]
        said = subprocess.run(program, check=True, capture_output=True).stdout
        assert int(said[:8]) == len(said[8:])
        facts = json.loads(said[8:])
        assert facts["packages"]["apache-airflow"] == "3.1.0"
        assert facts["schema_wanted"] == {"alembic_version": "bbb"}
        assert facts["options"] == [
            {"option": "core.executor", "value": "CeleryExecutor", "default": "LocalExecutor"},
            {"option": "core.fernet_key", "value": "(hidden)"},
        ]
        assert SECRET not in said.decode()
        [problem] = facts["problems"]
        assert problem.startswith("schema_present: ")

    def test_the_names_that_stay_hidden_are_those_of_secrets(self) -> None:
        assert is_secret_name("AIRFLOW__CORE__FERNET_KEY")
