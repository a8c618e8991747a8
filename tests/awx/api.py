"""A stand-in of AWX's API: it keeps objects, and answers and refuses as AWX 24 does.

It knows the endpoints and fields that ``playbooks/awx.yml`` uses. AWX ignores a field that it does not know; this
refuses it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.awx.surveys import problems

Object = dict[str, Any]
TOKEN = "a-token-of-awx"
ENCRYPTED = "$encrypted$"
BEARER_TOKEN = "OpenShift or Kubernetes API Bearer Token"

_NAMED: Object = {"name": "", "description": ""}
_PROMPTS = ("inventory", "limit", "credential", "job_type", "diff_mode", "verbosity")

#: The fields of each endpoint with their defaults; one that ends with ``_id`` names an object of another endpoint.
FIELDS: Mapping[str, Object] = {
    "organizations": {**_NAMED},
    "execution_environments": {**_NAMED, "organization": None, "image": None, "pull": ""},
    "projects": {
        **_NAMED,
        "organization": None,
        "scm_type": "",
        "scm_url": "",
        "scm_branch": "",
        "scm_update_on_launch": False,
        "default_environment": None,
        "credential": None,
        "scm_revision": "",
    },
    "credential_types": {**_NAMED, "kind": None, "inputs": {}, "injectors": {}, "managed": False},
    "credentials": {**_NAMED, "organization": None, "credential_type": None, "inputs": {}},
    "inventories": {**_NAMED, "organization": None, "kind": "", "host_filter": None},
    "inventory_sources": {
        **_NAMED,
        "inventory": None,
        "source": None,
        "source_project": None,
        "source_path": "",
        "overwrite": False,
        "overwrite_vars": False,
        "update_on_launch": False,
    },
    "job_templates": {
        **_NAMED,
        "organization": None,
        "project": None,
        "playbook": "",
        "inventory": None,
        "execution_environment": None,
        "job_type": "run",
        "extra_vars": "",
        "allow_simultaneous": False,
        "timeout": 0,
        "survey_enabled": False,
        **{f"ask_{prompt}_on_launch": False for prompt in _PROMPTS},
    },
    "workflow_job_templates": {
        **_NAMED,
        "organization": None,
        "inventory": None,
        "ask_inventory_on_launch": False,
        "ask_limit_on_launch": False,
        "allow_simultaneous": False,
        "survey_enabled": False,
    },
    "workflow_job_template_nodes": {
        "identifier": "",
        "workflow_job_template": None,
        "unified_job_template": None,
        "job_type": None,
        "type": "workflow_job_template_node",
    },
    "workflow_approval_templates": {**_NAMED, "timeout": 0},
    "schedules": {**_NAMED, "unified_job_template": None, "rrule": "", "enabled": True},
}
#: What a field that names another object names.
ENDPOINTS: Mapping[str, str] = {
    "organization": "organizations",
    "execution_environment": "execution_environments",
    "default_environment": "execution_environments",
    "project": "projects",
    "source_project": "projects",
    "credential": "credentials",
    "credential_type": "credential_types",
    "inventory": "inventories",
    "workflow_job_template": "workflow_job_templates",
    "unified_job_template": "unified_job_templates",
}
#: What is listed together.
LISTED: Mapping[str, tuple[str, ...]] = {name: (name,) for name in FIELDS} | {
    "unified_job_templates": (
        "job_templates",
        "workflow_job_templates",
        "projects",
        "inventory_sources",
        "workflow_approval_templates",
    )
}
#: What an object cannot do without.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "execution_environments": ("image",),
    "credential_types": ("kind",),
    "credentials": ("credential_type",),
    "inventories": ("organization",),
    "inventory_sources": ("inventory", "source_project", "source_path"),
    "job_templates": ("project", "playbook"),
    "workflow_job_template_nodes": ("workflow_job_template", "identifier"),
    "schedules": ("unified_job_template", "rrule"),
}
_MANAGED: Object = {
    "name": BEARER_TOKEN,
    "kind": "kubernetes",
    "managed": True,
    "inputs": {
        "fields": [
            {"id": "host", "type": "string"},
            {"id": "bearer_token", "type": "string", "secret": True},
            {"id": "verify_ssl", "type": "boolean"},
            {"id": "ssl_ca_cert", "type": "string", "secret": True, "multiline": True},
        ],
        "required": ["host", "bearer_token"],
    },
}


class Refused(Exception):
    """An answer that is an error: its status code, and what is said."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Awx:
    """What is in an AWX.

    :param project: folder that every project is a copy of.
    :param changes: methods and paths of the requests that changed something, in order.
    """

    project: Path
    objects: dict[str, dict[int, Object]] = field(default_factory=lambda: {name: {} for name in FIELDS})
    surveys: dict[str, Any] = field(default_factory=dict)
    links: dict[str, list[int]] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    last_id: int = 0

    def __post_init__(self) -> None:
        self._keep("credential_types", _MANAGED)

    def named(self, endpoint: str, name: str) -> Object:
        """Return an object by its name or identifier."""
        found = [each for each in self.objects[endpoint].values() if name in (each.get("name"), each.get("identifier"))]
        assert len(found) == 1, f"{len(found)} of {endpoint} are called {name}"
        return found[0]

    def names(self, endpoint: str) -> list[str]:
        """Return what the objects of an endpoint are called, in the order in which they were made."""
        return [each.get("name") or each["identifier"] for each in self.objects[endpoint].values()]

    def linked(self, endpoint: str, of: Object, link: str) -> list[Object]:
        """Return the objects that are associated with another one, such as a job template's credentials."""
        return [self.objects[endpoint][each] for each in self.links.get(f"{of['url']}{link}/", [])]

    def answer(self, method: str, path: str, query: Mapping[str, str], data: Object) -> tuple[int, Any]:
        """Return the status code and the body for a request.

        :raises Refused: AWX answers with an error.
        """
        if method != "GET":
            self.changes.append(f"{method} {path}")
        parts = path.removeprefix("/api/v2/").strip("/").split("/")
        if len(parts) == 1:
            return self._answer_for_all(method, parts[0], query, data)
        found = self._all(parts[0]).get(int(parts[1]))
        if found is None:
            raise Refused(404, path)
        if len(parts) == 2:
            return self._answer_for_one(method, parts[0], found, data)
        return self._answer_below(method, path, parts, found, data)

    def _all(self, endpoint: str) -> dict[int, Object]:
        if endpoint not in LISTED:
            raise Refused(404, endpoint)
        return {number: each for name in LISTED[endpoint] for number, each in self.objects[name].items()}

    def _answer_for_all(self, method: str, endpoint: str, query: Mapping[str, str], data: Object) -> tuple[int, Any]:
        if method == "GET":
            listed = self._all(endpoint).values()
            known = {"id", *(name for each in LISTED[endpoint] for name in FIELDS[each])}
            if unknown := [name for name in query if name.removeprefix("or__") not in known]:
                raise Refused(400, f"{endpoint} has no field {', '.join(unknown)} to filter by")
            return 200, _page([_shown(each) for each in listed if _matches(each, query)])
        if [each for each in self.objects[endpoint].values() if _is_same(endpoint, each, data)]:
            raise Refused(400, f"{endpoint}: {data} is there already")
        wanted = {**FIELDS[endpoint], **data}
        self._check(endpoint, data, wanted)
        return 201, _shown(self._keep(endpoint, wanted))

    def _answer_for_one(self, method: str, endpoint: str, found: Object, data: Object) -> tuple[int, Any]:
        if method == "PATCH":
            self._check(endpoint, data, {**found, **data})
            found.update(data)
        return 200, _shown(found)

    def _answer_below(self, method: str, path: str, parts: list[str], found: Object, data: Object) -> tuple[int, Any]:
        if parts[2] == "survey_spec":
            if method == "POST":
                if wrong := problems(data):
                    raise Refused(400, "; ".join(wrong))
                self.surveys[path] = data
            return 200, self.surveys.get(path, {})
        if parts[2] == "create_approval_template":
            approval = self._keep("workflow_approval_templates", {**FIELDS["workflow_approval_templates"], **data})
            found["unified_job_template"] = approval["id"]
            found["related"]["unified_job_template"] = approval["url"]
            return 201, _shown(approval)
        linked = self.links.setdefault(path, [])
        kind = "credentials" if parts[2] == "credentials" else parts[0]
        if method == "POST":
            if data["id"] not in self.objects[kind]:
                raise Refused(400, f"{parts[2]}: there is no {data['id']}")
            linked.remove(data["id"]) if data.get("disassociate") else linked.append(data["id"])
            return 204, None
        return 200, _page([_shown(self.objects[kind][each]) for each in linked])

    def _keep(self, endpoint: str, wanted: Object) -> Object:
        self.last_id += 1
        url = f"/api/v2/{endpoint}/{self.last_id}/"
        related = {"survey_spec": f"{url}survey_spec/"}
        kept = {**wanted, "id": self.last_id, "url": url, "related": related, "summary_fields": {}}
        kept["secrets"] = self._secrets(wanted) if endpoint == "credentials" else []
        self.objects[endpoint][self.last_id] = kept
        return kept

    def _fields_of_type(self, credential: Object) -> list[Object]:
        found: list[Object] = self.objects["credential_types"][credential["credential_type"]]["inputs"]["fields"]
        return found

    def _secrets(self, credential: Object) -> list[str]:
        return [each["id"] for each in self._fields_of_type(credential) if each.get("secret")]

    def _check(self, endpoint: str, data: Object, wanted: Object) -> None:
        """Refuse what AWX would: fields that it does not know, of the wrong type, missing, or naming nothing."""
        for name, value in data.items():
            if name not in FIELDS[endpoint]:
                raise Refused(400, f"{endpoint} has no field {name}")
            default = FIELDS[endpoint][name]
            if default is not None and type(value) is not type(default):
                raise Refused(400, f"{name} of {endpoint} is a {type(value).__name__}")
            if name in ENDPOINTS and value is not None and value not in self._all(ENDPOINTS[name]):
                raise Refused(400, f"{name} of {endpoint}: there is no {value}")
        missing = [name for name in REQUIRED.get(endpoint, ()) if wanted[name] in (None, "")]
        if missing:
            raise Refused(400, f"{endpoint} needs {', '.join(missing)}")
        for message in self._wrong(endpoint, wanted):
            raise Refused(400, f"{endpoint}: {message}")

    def _wrong(self, endpoint: str, wanted: Object) -> Iterator[str]:
        if endpoint == "job_templates" and not (self.project / wanted["playbook"]).is_file():
            yield f"playbook {wanted['playbook']} is not in the project"
        if endpoint == "inventory_sources" and not (self.project / wanted["source_path"]).is_file():
            yield f"{wanted['source_path']} is not in the project"
        if endpoint == "schedules" and not re.fullmatch(
            r"DTSTART:\d{8}T\d{6}Z RRULE:.*INTERVAL=\d+.*", wanted["rrule"]
        ):
            yield f"rrule {wanted['rrule']} has no DTSTART or no INTERVAL"
        if endpoint == "schedules":
            path = f"/api/v2/job_templates/{wanted['unified_job_template']}/survey_spec/"
            asked = self.surveys.get(path, {"spec": []})["spec"]
            yield from (f"no answer to {each['variable']}" for each in asked if each["required"])
        if endpoint == "credentials":
            types = {each["id"]: {"boolean": bool}.get(each["type"], str) for each in self._fields_of_type(wanted)}
            for name, value in wanted["inputs"].items():
                if not isinstance(value, types.get(name, ())):
                    yield f"input {name} is unknown, or of another type"
        template = self._all("unified_job_templates").get(wanted.get("unified_job_template") or 0, {})
        if wanted.get("job_type") and not template.get("ask_job_type_on_launch", True):
            yield f"{template['name']} does not ask for its job type"


def _page(results: list[Object]) -> Object:
    return {"count": len(results), "next": None, "previous": None, "results": results}


def _shown(found: Object) -> Object:
    """Return an object as the API gives it, without the values of secrets."""
    shown = {name: value for name, value in found.items() if name != "secrets"}
    if found["secrets"]:
        inputs = found["inputs"].items()
        shown["inputs"] = {key: ENCRYPTED if key in found["secrets"] and value else value for key, value in inputs}
    return shown


def _matches(found: Object, query: Mapping[str, str]) -> bool:
    either = {name.removeprefix("or__"): value for name, value in query.items() if name.startswith("or__")}
    every = {name: value for name, value in query.items() if not name.startswith("or__")}
    return all(str(found.get(name)) == value for name, value in every.items()) and (
        not either or any(str(found.get(name)) == value for name, value in either.items())
    )


def _is_same(endpoint: str, found: Object, data: Object) -> bool:
    keys = {"workflow_job_template_nodes": ("identifier", "workflow_job_template"), "inventory_sources": ("inventory",)}
    return all(found.get(key) == data.get(key) for key in keys.get(endpoint, ("name", "organization")))


@contextmanager
def serving(awx: Awx) -> Iterator[str]:
    """Serve an AWX on a free port of this machine; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise Refused(401, "no valid token")
                code, result = awx.answer(
                    self.command, url.path, dict(parse_qsl(url.query)), json.loads(body) if body else {}
                )
            except Refused as refused:
                code, result = refused.code, {"error": str(refused), "detail": str(refused)}
            content = b"" if result is None else json.dumps(result).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _respond  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing of each request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
