# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The login of Flower, whole: as an option it would be split at commas, and ``$NAME`` in it replaced."""

from __future__ import annotations

import os

basic_auth = [os.environ["FLOWER_USERNAME"] + ":" + os.environ["FLOWER_PASSWORD"]]
