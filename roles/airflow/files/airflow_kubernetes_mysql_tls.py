# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""TLS for MySQL's asynchronous driver, which takes none of its options from a URL.

Airflow imports ``connect_args`` by the name in ``[database] sql_alchemy_connect_args_async``.
"""

from __future__ import annotations

import os
import ssl


def context(ca: str) -> ssl.SSLContext:
    """Return what a connection is made with.

    :param ca: file of the CA by which the server's certificate and name are verified; if empty they are not.
    """
    made = ssl.create_default_context(cafile=ca or None)
    if not ca:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


connect_args = {"ssl": context(os.environ.get("AIRFLOW_KUBERNETES_MYSQL_CA", ""))}
