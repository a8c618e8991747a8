# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules of the version of Airflow."""

from __future__ import annotations

from ..airflow.versions import parts
from . import conditions as on
from .rule import Rule

VERSION_RULES: tuple[Rule, ...] = (
    Rule(
        "airflow_version",
        "it is no text",
        "airflow_version is {version!r}, a {type}, so 3.10 could not be told from 3.1. Write it in full and quoted: "
        'airflow_version: "3.1.8".',
        find=on.wrong_version_type,
    ),
    Rule(
        "airflow_version",
        "it has not three numbers",
        'airflow_version is {version!r}. Write it in full, with three numbers: airflow_version: "3.1.8".',
        lambda given: isinstance(given["version"], str) and not parts(given["version"]),
        cel="self.airflow_version.matches('^[0-9]+[.][0-9]+[.][0-9]+([.a-z0-9]*)$')",
    ),
    Rule(
        "airflow_version",
        f"it is older than {on.OLDEST}",
        f"airflow_version is {{version}}; the oldest that is supported is {on.OLDEST}.",
        lambda given: () < parts(given["version"]) < parts(on.OLDEST),
    ),
    Rule(
        "airflow_image airflow_version",
        "the tag of the image begins with another version",
        'airflow_image is {image}, but airflow_version is {version}. Set airflow_version: "{tagged}" if that is the '
        "Airflow in the image, or name an image of {version}. If {tagged} is a number of your own, let the tag begin "
        "with the version of Airflow or with a word.",
        find=on.other_version_in_tag,
    ),
)
