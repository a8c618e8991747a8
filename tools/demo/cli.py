"""Command line: bring up a cluster, deploy Airflow to it, run a DAG, and tell where the user interface is."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request

from ..cluster import cli as cluster
from ..cluster.kind_config import CLUSTER
from ..cluster.ports import AIRFLOW, FLOWER, address
from ..common.errors import ToolError
from ..common.paths import CHECKOUT, kubeconfig
from ..common.run import start_log
from ..common.step import say, step
from ..common.waiting import until
from ..environment import cli as environment
from ..environment.variables import venv_variables
from ..images import cli as images
from ..programs.binaries import ensure_kubectl
from .preflight import check_machine

INVENTORY = "inventories/kind"
#: The release of that inventory, which is its namespace too.
RELEASE = "airflow"
DAG = "example_parallel"
#: A page of each that needs no login.
PAGES = ((AIRFLOW, "/api/v2/version"), (FLOWER, "/healthcheck"))
#: The roles give up earlier, and say why.
PLAYBOOK_SECONDS = 1800
PAGE_SECONDS = 60


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    argparse.ArgumentParser(prog="python3 -m tools.demo", description=__doc__).parse_args(arguments)
    start = time.monotonic()
    try:
        start_log()
        check_machine()
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if code := environment.main([]):
        return code
    for bring_up, words in ((cluster.main, ["up"]), (images.main, ["--load"])):
        if code := bring_up(words):
            return code
    try:
        run_playbook("Deploy Airflow", "deploy.yml")
        dags = str(CHECKOUT / "examples" / "dags")
        run_playbook("Mirror the example DAGs", "playbooks/sync_dags.yml", airflow_dags_source=dags)
        run_playbook(f"Run the DAG {DAG}", "playbooks/run_dag.yml", airflow_dag=DAG)
        with step("Ask Airflow and Flower from this machine"):
            for port, page in PAGES:
                wait_for_page(address(CLUSTER, port) + page, PAGE_SECONDS)
        kubectl = _shown_kubectl()
    except ToolError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    say(f"All of it: {time.monotonic() - start:.0f} s")
    for port, secret in ((AIRFLOW, f"{RELEASE}-admin"), (FLOWER, f"{RELEASE}-flower")):
        print(f"\n{port.title}: {address(CLUSTER, port)}")
        print(f"This prints its login:\n  {login_command(kubectl, secret)}", flush=True)
    return 0


def run_playbook(title: str, playbook: str, **variables: str) -> None:
    """Run a playbook for the demo's release, its output going to the terminal as it comes.

    :raises ToolError: it fails, or takes too long.
    """
    say(f"{title} ...")
    command = ["ansible-playbook", "--inventory", INVENTORY, playbook]
    if variables:
        command += ["--extra-vars", json.dumps(variables)]
    # The shell's own choice of a cluster is not the demo's.
    env = {name: value for name, value in venv_variables("").items() if not name.startswith("K8S_AUTH_")}
    start = time.monotonic()
    try:
        code = subprocess.run(
            command, cwd=CHECKOUT, env=env, stdin=subprocess.DEVNULL, timeout=PLAYBOOK_SECONDS, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        raise ToolError(f"{title}: still running after {PLAYBOOK_SECONDS} s") from None
    except OSError as error:
        raise ToolError(f"{title}: {error}. Run: make environment") from error
    seconds = time.monotonic() - start
    if code:
        raise ToolError(f"{title}: failed after {seconds:.0f} s, with the reason above")
    say(f"{title}: {seconds:.0f} s")


def wait_for_page(page: str, timeout: float) -> None:
    """Wait until an address answers.

    :param timeout: seconds.
    :raises ToolError: it does not.
    """
    # A proxy would look for localhost at its own end.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    errors: list[OSError] = []

    def answers() -> bool:
        try:
            with opener.open(page, timeout=10):
                return True
        except OSError as error:
            errors.append(error)
            return False

    way_out = "The release is healthy, so look at the way to it: python3 -m tools.cluster status"
    until(answers, timeout, f"{page} does not answer", pause=1, details=lambda: f": {errors[-1]}. {way_out}")


def login_command(kubectl: str, secret: str) -> str:
    """Return the command that prints the user name and the password that a Secret of the release holds."""
    template = r'{{.data.username | base64decode}} {{.data.password | base64decode}}{{"\n"}}'
    words = ["--kubeconfig", str(kubeconfig(CLUSTER)), "-n", RELEASE, "get", "secret", secret]
    return f"{kubectl} {shlex.join(words)} -o go-template={shlex.quote(template)}"


def _shown_kubectl() -> str:
    """Return kubectl as the user can type it."""
    path = str(ensure_kubectl())
    return "kubectl" if shutil.which("kubectl") == path else shlex.quote(path)
