# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is secret in a release, and its objects and texts without it.

``_masking`` knows secrets by what stands around them. Here their values are known too: from Secrets, and from
variables and options whose name says what they hold.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

from ..core.objects import Obj, spec
from .masking import MASK, masked

#: Names of variables and options whose values are not shown, in any case. Of Airflow's own it has all that the
#: configuration reference calls sensitive. Connections and Variables are another's secrets.
SENSITIVE_NAME = (
    r"pass(word|wd|phrase)|_pwd$|secret|token|credential|fernet|private|dsn|basic_auth|broker_url|result_backend|kwargs"
    r"|(^|[_.-])conn([_.-]|$)|(^|[_.-])keys?$|^airflow_var_"
)
_SENSITIVE_NAME = re.compile(SENSITIVE_NAME, re.IGNORECASE)

# In a free text a name has to be followed by its value; what merely ends with "key" is mostly none.
_ASSIGNED = re.compile(
    r"(?P<before>(?:secret|password|passphrase|credential|token|(?:access|api|fernet|private|secret|signing)_?key|conn"
    r"|broker_url|result_backend|basic_auth|dsn)['\"]?\s{0,8}[=:]\s{0,8}['\"]?)(?!//|\*{8})[^\s'\",;&)]+",
    re.IGNORECASE,
)
# Whatever signed it, and with whichever key: the tokens of tasks are in the logs of workers.
_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+")

#: A value of so many characters is masked wherever it occurs; a shorter one as a word of its own; one that is shorter
#: still could be anything.
ANYWHERE, WORD = 8, 4
#: Characters of a line that are kept. Secrets are looked for before it is cut.
LINE_LENGTH = 4000

#: Words that are nobody's secret even where a Secret holds them: a text without them could not be read.
_PLAIN = frozenset(
    {"admin", "airflow", "database", "default", "false", "localhost", "mysql", "none", "null", "password", "postgres"}
    | {"postgresql", "redis", "root", "true", "username"}
)
#: Annotations with a copy of the object, or with a digest that a weak password could be guessed from.
_LEFT_OUT = re.compile(r"last-applied-configuration$|(?<!config)(?<!scripts)-checksum$")


def is_secret_name(name: str) -> bool:
    """Tell whether the name of a variable or option says that its value is secret."""
    return bool(_SENSITIVE_NAME.search(name))


class Redactor:
    """Texts and objects without what is secret.

    :param values: the secret values.
    :param plain: words that stay, whatever the values are: names of the release and its objects.
    """

    def __init__(self, values: Iterable[str], plain: Iterable[str] = ()) -> None:
        stays = _PLAIN | {word.lower() for word in plain}
        parts = {part for value in values for part in _parts(value)}
        parts = {part for part in parts if len(part) >= WORD and part.lower() not in stays and not _is_port(part)}
        spellings = {spelling for part in parts for spelling in _spellings(part)}
        # The longest first: one may be a part of another.
        self._anywhere = sorted((s for s in spellings if len(s) >= ANYWHERE), key=len, reverse=True)
        words = sorted((s for s in spellings if len(s) < ANYWHERE), key=len, reverse=True)
        self._words = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)") if words else None

    def text(self, text: str) -> str:
        """Return a text of any number of lines without secrets."""
        # What is not there as a whole cannot be in one of its lines; most values are in none.
        for spelling in self._anywhere:
            text = text.replace(spelling, MASK)
        if self._words:
            text = self._words.sub(MASK, text)
        return "\n".join(map(_masked_line, text.split("\n")))

    def object(self, obj: Obj) -> dict[str, Any]:
        """Return a Kubernetes object without secrets, managed fields, and copies of itself in annotations."""
        shown = {key: self._shown(value) for key, value in obj.items()}
        metadata = shown.get("metadata")
        if isinstance(metadata, dict):
            metadata.pop("managedFields", None)
            for name in metadata.get("annotations") or ():
                if _LEFT_OUT.search(name) or is_secret_name(name):
                    metadata["annotations"][name] = MASK
        template = spec(shown).get("template")
        if isinstance(template, dict):
            shown["spec"]["template"] = self.object(template)
        for field in ("data", "stringData", "binaryData"):
            for name in shown.get(field) or ():
                if obj.get("kind") == "Secret" or is_secret_name(name):
                    shown[field][name] = MASK
        return shown

    def _shown(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            shown = {key: self._shown(item) for key, item in value.items()}
            if "value" in value and is_secret_name(str(value.get("name") or "")):
                shown["value"] = MASK
            return shown
        if isinstance(value, list):
            return [
                MASK if index and _takes_secret(value[index - 1]) else self._shown(item)
                for index, item in enumerate(value)
            ]
        return value


def secret_values(objects: Iterable[Obj]) -> Iterator[str]:
    """Yield the secret values in objects: all of Secrets, and those of ConfigMaps and containers by their names."""
    for obj in objects:
        kind = obj.get("kind")
        if kind == "Secret":
            for value in (obj.get("data") or {}).values():
                with contextlib.suppress(ValueError, TypeError):
                    yield base64.b64decode(value).decode("utf-8", "surrogateescape")
        elif kind == "ConfigMap":
            yield from (str(value) for name, value in (obj.get("data") or {}).items() if is_secret_name(name))
        else:
            template = (spec(obj).get("template") or {}).get("spec") or spec(obj)
            for container in [*(template.get("initContainers") or ()), *(template.get("containers") or ())]:
                variables = container.get("env") or ()
                yield from (str(v["value"]) for v in variables if v.get("value") and is_secret_name(str(v.get("name"))))
                words = [*(container.get("command") or ()), *(container.get("args") or ())]
                yield from (word for option, word in pairwise(words) if _takes_secret(option))


def _masked_line(line: str) -> str:
    if len(line) > LINE_LENGTH:
        # Half a word could be half a password that is no longer known as one.
        line = "".join(line[:LINE_LENGTH].rsplit(None, 1)[:-1]) + " ... (cut)"
    return _TOKEN.sub(MASK, _ASSIGNED.sub(rf"\g<before>{MASK}", masked(line)))


def _takes_secret(argument: Any) -> bool:
    """Tell whether an argument of a command line is an option whose value comes next."""
    return isinstance(argument, str) and argument.startswith("-") and "=" not in argument and is_secret_name(argument)


def _is_port(part: str) -> bool:
    return part.isdecimal() and len(part) <= 5


def _parts(value: str) -> Iterator[str]:
    """Yield what is secret in a value: itself, its lines, the passwords of URLs and logins, the texts in JSON."""
    value = value.strip()
    yield value
    if "\n" in value:
        # Lines such as the frame of a PEM file, or an option that is switched on, are no secrets.
        yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= 16 and "-----" not in line)
    with contextlib.suppress(ValueError):
        password = urlsplit(value).password
        if password:
            yield password
            yield unquote(password)
    login = re.fullmatch(r"[^\s:/{]+:([^\s/]+)", value)
    if login:
        yield login[1]
    with contextlib.suppress(ValueError, RecursionError):
        for text in _texts(json.loads(value)):
            yield from _parts(text)
    with contextlib.suppress(ValueError, binascii.Error):
        # A registry's login, base64 in JSON in base64.
        decoded = base64.b64decode(value, validate=True).decode("ascii")
        if re.fullmatch(r"[^\s:/]+:\S+", decoded):
            yield from _parts(decoded)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _spellings(part: str) -> Iterator[str]:
    """Yield the ways in which a text may be written: plain, base64, quoted for a URL, escaped in JSON or by Alembic."""
    yield part
    for data in (part.encode("utf-8", "surrogateescape"), part.encode("utf-8", "surrogateescape") + b"\n"):
        encoded = base64.b64encode(data).decode("ascii")
        yield encoded
        yield encoded.rstrip("=")
        yield base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
    with contextlib.suppress(UnicodeEncodeError):
        for quoted in (quote(part, safe=""), quote(part), quote_plus(part)):
            yield quoted
            yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)
    yield json.dumps(part)[1:-1]
    yield json.dumps(part, ensure_ascii=False)[1:-1]
    yield part.replace("%", "%%")
