# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flask AppBuilder's configuration, as auth.json beside this file has it; passwords come from the environment."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from flask_appbuilder import const


def settings(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options by their names in Flask AppBuilder, complete with passwords."""
    made = {**given, "AUTH_TYPE": getattr(const, given["AUTH_TYPE"])}
    if "AIRFLOW_KUBERNETES_LDAP_PASSWORD" in os.environ:
        made["AUTH_LDAP_BIND_PASSWORD"] = os.environ["AIRFLOW_KUBERNETES_LDAP_PASSWORD"]
    for provider in made.get("OAUTH_PROVIDERS", []):
        name = provider["name"].upper().replace("-", "_")
        provider["remote_app"]["client_secret"] = os.environ[f"AIRFLOW_KUBERNETES_OAUTH_{name}"]
    return made


globals().update(settings(json.loads(Path(__file__).with_name("auth.json").read_text(encoding="utf-8"))))
