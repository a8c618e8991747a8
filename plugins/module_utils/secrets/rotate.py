# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace the passwords and keys of a release while its tasks run, in phases with a deploy after each.

First the new values are accepted beside the old ones, then all use the new ones, then the old ones are dropped. What
is under way is in the Secret ``<release>-rotation``: old and new values, and the phase. Each phase may be done again,
so a run that was interrupted is taken up by the next one. A deploy meanwhile keeps what it finds in the Secrets.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import Failure
from ..core.labels import RELEASE_LABEL
from ..core.names import FIELD_MANAGER
from ..kube.client import CONNECTION_OPTIONS, Client
from ..kube.component_pod import find_pod
from ..kube.lease import LEASE_OPTIONS, Lease, held
from ..kube.permissions import PERMISSIONS_OPTIONS, require
from ..kube.pod_stream import Exec
from ..kube.retries import PATIENCE
from ..kube.task import Task
from . import secret as _secret
from . import values as _values

#: In their order.
PHASES = ("accept", "use", "drop", "end")

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **LEASE_OPTIONS,
    **PERMISSIONS_OPTIONS,
    "release": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "phase": {"type": "str", "required": True, "choices": list(PHASES)},
    "only": {"type": "list", "elements": "str", "default": []},
    "task_timeout": {"type": "int", "default": 3600},
    "values": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "kind": {
                "type": "str",
                "required": True,
                "choices": ["fernet", "jwt", "api", "database", "redis", "admin", "flower"],
            },
            "secret": {"type": "str", "required": True, "no_log": False},
            "key": {"type": "str", "required": True, "no_log": False},
            "other": {"type": "str", "default": ""},
            "length": {"type": "int", "default": 32},
            "server": {"type": "str", "choices": ["postgresql", "mysql", ""], "default": ""},
            "user_key": {"type": "str", "default": "", "no_log": False},
            "given_by": {"type": "str", "default": ""},
        },
    },
}

#: Seconds to wait for a running pod, and without a byte from a program in it.
POD_SECONDS, SILENCE_SECONDS = 120, 120

_POSTGRESQL = 'exec psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB"'
# Done twice it would keep the new password twice, and the old one no more.
_MYSQL_ACCEPT = """
read -r login; read -r account; read -r password
MYSQL_PWD=$password mysql --protocol=tcp --host=127.0.0.1 --user="$login" --execute="DO 0" 2>/dev/null && exit
export MYSQL_PWD=$MYSQL_ROOT_PASSWORD
mysql --user=root <<< "ALTER USER $account IDENTIFIED BY '$password' RETAIN CURRENT PASSWORD"
"""
_MYSQL_DROP = """
read -r account
MYSQL_PWD=$MYSQL_ROOT_PASSWORD mysql --user=root <<< "ALTER USER $account DISCARD OLD PASSWORD"
"""
# What is read is its command; what it answers could hold a password.
_REDIS = "head -n 1 | redis-cli | grep -q OK"
# A line from time to time tells that it goes on.
_REENCRYPT = """
airflow rotate-fernet-key >&2 & program=$!
while kill -0 $program 2>/dev/null; do echo; sleep 2; done
wait $program
"""

#: What Redis is told; in the phase between it restarts with both passwords.
REDIS_RULES = {"accept": ">{}", "drop": "resetpass >{}"}


@dataclass(frozen=True)
class Value:
    """What can be rotated.

    :param other: the key of the Secret under which a second value is accepted.
    :param server: the database server in the cluster whose password it is.
    :param user_key: the key of its user's name.
    :param given_by: the variable that says what it is; then it is not ours to change.
    """

    kind: str
    secret: str
    key: str
    other: str = ""
    length: int = 32
    server: str = ""
    user_key: str = ""
    given_by: str = ""

    def generate(self) -> str:
        return _values.generate("fernet" if self.kind == "fernet" else "password", self.length)


@dataclass(frozen=True)
class Change:
    """A value that is being rotated."""

    value: Value
    old: str
    new: str

    def keys(self, phase: str) -> dict[str, str | None]:
        """Return what its Secret holds from a phase on."""
        key, other = self.value.key, self.value.other
        if self.value.kind == "fernet":
            # The first encrypts, each decrypts.
            held_keys = {"accept": f"{self.old},{self.new}", "use": f"{self.new},{self.old}", "drop": self.new}
            return {key: held_keys[phase]}
        if other:
            pairs = {"accept": (self.old, self.new), "use": (self.new, self.old), "drop": (self.new, None)}
            return dict(zip((key, other), pairs[phase], strict=True))
        return {} if phase == "accept" else {key: self.new}


#: Runs a program in the container of a component: its command, what it reads, and what is done at each line of it.
Programs = Callable[[str, Sequence[str], str, Callable[[str], None]], None]


def run(task: Task) -> dict[str, Any]:
    """Do one phase; the result tells what is rotated, and no value."""
    params = task.params
    client = Client(params, task.say, PATIENCE)
    if params["phase"] == PHASES[0]:
        require(client, params)
    with held(client, task) as lease:
        rotation = Rotation(
            client, params["namespace"], params["release"], [Value(**value) for value in params["values"]], task.say
        )
        rotation.programs = _programs(client, params["namespace"], params["release"], lease)
        changed = rotation.do(params["phase"], params["only"], params["task_timeout"], task.check_mode)
        if params["phase"] == "end":
            lease.give_back()
    return {"changed": changed, "phase": params["phase"], "kinds": [change.value.kind for change in rotation.changes]}


class Rotation:
    """The rotation of a release, which may be under way already.

    :ivar changes: what is rotated.
    """

    programs: Programs

    def __init__(
        self, client: Client, namespace: str, release: str, values: Sequence[Value], say: Callable[[str], None]
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._release = release
        self._values = values
        self._say = say
        self._name = f"{release}-rotation"
        self.changes: list[Change] = []

    def do(self, phase: str, only: Sequence[str], timeout: int, check_mode: bool) -> bool:
        """Do a phase, unless it is over already; tell whether something changed.

        :param only: the kinds to begin with; empty: all that are ours.
        :param timeout: seconds to wait for tasks that need an old value.
        """
        state = self._state()
        is_new = not state and phase == PHASES[0]
        if is_new:
            state = self._begin(only, check_mode)
        self.changes = [
            Change(value, state[f"{value.kind}.old"], state[f"{value.kind}.new"])
            for value in self._values
            if f"{value.kind}.new" in state
        ]
        if state and phase == PHASES[0] and not is_new:
            kinds = ", ".join(change.value.kind for change in self.changes)
            self._say(f"goes on with the rotation of {kinds}, which was interrupted in its phase {state['phase']}")
        if not state or check_mode or PHASES.index(phase) < PHASES.index(state["phase"]):
            return bool(state) and check_mode
        if phase == "end":
            self._client.delete("v1", "Secret", self._name, self._namespace)
            return True
        if phase == "drop":
            self._let_go(timeout)
        _secret.patch(self._client, self._namespace, self._name, {"phase": phase})
        for change in self.changes:
            self._enter(change, phase)
        return True

    def _state(self) -> dict[str, str]:
        return self._data(self._name)

    def _data(self, name: str) -> dict[str, str]:
        return _values.Secret(name, [], live=self._client.get("v1", "Secret", name, self._namespace)).existing

    def _begin(self, only: Sequence[str], check_mode: bool) -> dict[str, str]:
        known = [value.kind for value in self._values]
        if unknown := [kind for kind in only if kind not in known]:
            raise Failure(f"airflow_rotate names {', '.join(unknown)}. It may name: {', '.join(known)}.")
        wanted = [value for value in self._values if not only or value.kind in only]
        obstacles = {value.kind: obstacle for value in wanted if (obstacle := self._obstacle(value))}
        refusals = [f"{kind} cannot be rotated: {obstacle}" for kind, obstacle in obstacles.items()]
        if refusals and (only or len(refusals) == len(wanted)):
            raise Failure("\n".join(refusals))
        for line in refusals:
            self._say(line)
        state = {"phase": PHASES[0]}
        for value in wanted:
            if value.kind not in obstacles:
                state[f"{value.kind}.old"] = self._data(value.secret)[value.key]
                state[f"{value.kind}.new"] = value.generate()
        if not check_mode:
            self._create(state)
        return state

    def _obstacle(self, value: Value) -> str:
        """Return why a value is not ours to change, or ""."""
        if value.given_by:
            return (
                f"its value comes from {value.given_by}. Change it there and deploy (docs/secrets.md#rotate); "
                f"or leave {value.given_by} out, and what there is stays, and can be rotated."
            )
        secret = _values.Secret(value.secret, [], live=self._client.get("v1", "Secret", value.secret, self._namespace))
        if secret.live is None or value.key not in secret.existing:
            return f"there is no {value.key} in a Secret {value.secret}. Deploy the release first."
        if secret.is_external(self._release):
            return f"the Secret {value.secret} is yours, and only read. Change it there and deploy."
        return ""

    def _create(self, state: Mapping[str, str]) -> None:
        self._client.create(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {
                    "name": self._name,
                    "namespace": self._namespace,
                    "labels": {RELEASE_LABEL: self._release},
                },
                "data": {key: _values.encode(value) for key, value in state.items()},
            },
            FIELD_MANAGER,
        )

    def _enter(self, change: Change, phase: str) -> None:
        value = change.value
        account = ""
        if value.server == "mysql":
            login = self._data(value.secret)[value.user_key]
            account = mysql_text(login) + "@'%'"
            if phase == "accept":
                self._run("mysql", ["bash", "-ec", _MYSQL_ACCEPT], f"{login}\n{account}\n{change.new}\n")
        if keys := change.keys(phase):
            _secret.patch(self._client, self._namespace, value.secret, keys)
        if value.kind == "redis" and phase in REDIS_RULES:
            rules = REDIS_RULES[phase].format(change.new)
            self._run("redis", ["sh", "-ec", _REDIS], f"ACL SETUSER default {rules}\n")
        if value.server == "mysql" and phase == "drop":
            self._run("mysql", ["bash", "-ec", _MYSQL_DROP], f"{account}\n")
        if value.server == "postgresql" and phase == "use":
            statement = f"ALTER ROLE CURRENT_USER PASSWORD '{scram(change.new)}';\n\\q\n"
            self._run("postgresql", ["sh", "-ec", _POSTGRESQL], statement)

    def _let_go(self, timeout: int) -> None:
        """Wait until nothing needs an old value."""
        kinds = {change.value.kind for change in self.changes}
        if "fernet" in kinds:
            self._say("encrypts connections, Variables and triggers with the new Fernet key")
            self._run("scheduler", ["bash", "-ec", _REENCRYPT])
        if "jwt" in kinds:
            # It says how many there are.
            program = ["python", "/opt/airflow-kubernetes/wait_for_tasks.py", str(timeout)]
            self._run("scheduler", program, each=self._say)

    def _run(
        self, component: str, command: Sequence[str], stdin: str = "", each: Callable[[str], None] = lambda _line: None
    ) -> None:
        self.programs(component, command, stdin, each)


def _programs(client: Client, namespace: str, release: str, lease: Lease) -> Programs:
    def run_in_pod(component: str, command: Sequence[str], stdin: str, each: Callable[[str], None]) -> None:
        pod = find_pod(client, namespace, release, component, POD_SECONDS, ready=True)
        client.guard("")
        with Exec(client, namespace, pod, component, command, SILENCE_SECONDS) as program:
            program.write(stdin.encode())
            for line in program.lines():
                lease.keep()
                if line:
                    each(line)

    return run_in_pod


def scram(password: str, salt: bytes = b"", iterations: int = 4096) -> str:
    """Return what PostgreSQL keeps of a password (RFC 5803), so that it never sees, or logs, the password itself.

    :param password: of ASCII characters, which need no preparation.
    """
    salt = salt or os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)

    def keyed(text: bytes) -> bytes:
        return hmac.digest(salted, text, "sha256")

    stored = hashlib.sha256(keyed(b"Client Key")).digest()
    parts = [base64.b64encode(part).decode() for part in (salt, stored, keyed(b"Server Key"))]
    return f"SCRAM-SHA-256${iterations}:{parts[0]}${parts[1]}:{parts[2]}"


def mysql_text(text: str) -> str:
    """Return a text as a literal of MySQL's."""
    doubled: Iterable[str] = ({"\\": "\\\\", "'": "''"}.get(character, character) for character in text)
    return "'" + "".join(doubled) + "'"
