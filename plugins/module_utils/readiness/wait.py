# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The work of the module wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..kube.client import CONNECTION_OPTIONS, Client
from ..kube.lease import LEASE_OPTIONS, lease_of
from ..kube.retries import PATIENCE
from ..kube.task import Task
from .health_probe import HEALTH_OPTIONS, health_question
from .options import AWAITED_OPTIONS, WAIT_OPTIONS, WaitOptions, awaited_of, limits_of
from .waiter import Waiting
from .watcher import Probe

OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    **LEASE_OPTIONS,
    "namespace": {"type": "str", "required": True},
    "release": {"type": "str", "required": True},
    **WAIT_OPTIONS,
    **AWAITED_OPTIONS,
    "restart_stuck": {"type": "bool", "default": False},
    "unlock": {"type": "bool", "default": False},
    "only": {"type": "list", "elements": "str", "default": []},
    "health": {"type": "dict", "options": HEALTH_OPTIONS},
}


def run(task: Task) -> dict[str, Any]:
    """Do the work of the module ``wait``."""
    options = wait_options(task)
    client = Client(task.params, task.say, PATIENCE)
    probe = Probe(client, options.namespace, options.release, options.health, awaited=options.awaited)
    if task.check_mode:
        return Waiting(probe, options, task.say).look()
    lease = lease_of(client, task)
    if options.restart_stuck:
        lease.acquire()
        client.guard = lease.check
    else:
        lease.join()
    with lease.returned_on_failure():
        result = Waiting(probe, options, task.say, lease.keep).wait()
        if task.params["unlock"]:
            lease.give_back()
    return result


def wait_for(
    client: Client,
    params: Mapping[str, Any],
    only: Iterable[str],
    say: Callable[[str], None],
    keep: Callable[[], None],
) -> None:
    """Wait until some objects of a release are ready, for another module.

    :param params: that module's, with those of ``WAIT_OPTIONS``.
    :param only: ``Kind/name`` of each.
    :raises Failure: they will not be, or not in time.
    """
    options = WaitOptions(
        namespace=params["namespace"],
        release=params["release"],
        timeout=params["timeout"],
        limits=limits_of(params),
        only=frozenset(only),
    )
    Waiting(Probe(client, options.namespace, options.release), options, say, keep).wait()


def wait_options(task: Task) -> WaitOptions:
    """Read the module's options."""
    params = task.params
    return WaitOptions(
        namespace=params["namespace"],
        release=params["release"],
        timeout=params["timeout"],
        limits=limits_of(params),
        health=health_question(params["health"]) if params["health"] else None,
        restart_stuck=params["restart_stuck"] and not task.check_mode,
        only=frozenset(params["only"]),
        awaited=awaited_of(params),
    )
