# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tasks that reach the outside through a proxy, and Airflow itself without."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request

from airflow.sdk import BaseHook, Variable, dag, task


def get(url: str) -> str:
    """Ask as libraries do that know of the environment; who answers with which certificate is all the same here."""
    unverified = ssl._create_unverified_context()  # noqa: S323 the certificate is the scenario's own
    with urllib.request.urlopen(url, timeout=20, context=unverified) as answer:
        return answer.read().decode()


@dag(schedule=None)
def reach_outside() -> None:
    @task(retries=0)
    def ask(url: str) -> None:
        print(f"{url} says {get(url)}")

    @task(retries=0)
    def go_past_the_proxy() -> None:
        """What NO_PROXY exempts is not asked of the proxy, which would answer 403: nobody listens there."""
        try:
            get("http://203.0.113.10:9/")
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError as error:
            print(f"exempt: {error.reason}")

    @task(retries=0)
    def remember() -> None:
        Variable.set("remembered", "a variable")
        print(f"{Variable.get('remembered')} and {BaseHook.get_connection('outside').host}")

    asked = ask.expand(url=["http://files.example.com:8000/", "https://files.example.com:8443/"])
    asked >> [go_past_the_proxy(), remember()]


reach_outside()
