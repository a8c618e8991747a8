"""Endurance: task instances in flight while one fault after the other is injected, and what became of each of them."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..cluster import cli as cluster
from ..common.errors import ToolError
from ..common.run import run
from ..common.step import say, step
from ..common.waiting import until
from ..harness.report import Section, show
from ..images import cli as images
from .release import CLUSTER, DAG, NAME, Execution, Release

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer", "flower", "worker")
TASKS = 200
TASK_SECONDS = 5.0
AWAY_SECONDS = 60.0
#: A fault is injected when this part of the task instances has ended, so that some run, and many wait in Redis.
ENDED_BEFORE = 0.05
RUN_SECONDS = 1500.0
INJECTION_SECONDS = 660.0
METHOD = (
    "one control plane and two workers; each fault on a fresh run of the DAG, injected while its task instances run or "
    "wait in Redis; healthy: nodes ready, all rolled out, nothing ends any more, Airflow's monitor/health healthy, and "
    "every worker consumes its queues, in seconds from the fault's beginning; once: by a line that each execution "
    "leaves on the logs volume"
)


@dataclass(frozen=True)
class Fault:
    """Something that happens to a release.

    :param inject: does it, and returns when it is over.
    :param kills_tasks: whether workers are killed, whose tasks then have to be tried again.
    :param early: whether it begins while the scheduler still sends tasks to Redis.
    """

    name: str
    inject: Callable[[Release], None]
    kills_tasks: bool = False
    early: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of the task instances of one run.

    :param in_flight: how many ran or were queued when the fault began.
    :param once: how many have been executed exactly once, to their end.
    :param retried: how many had more than one try.
    :param healthy: seconds from the fault's beginning until the release was healthy again.
    :param seconds: from the start of the run to its end.
    """

    fault: str
    kills_tasks: bool
    tasks: int
    in_flight: int
    succeeded: int
    once: int
    retried: int
    healthy: float
    seconds: float

    @property
    def problem(self) -> str:
        """What is not as it was promised; "" if all is."""
        if self.succeeded != self.tasks:
            return f"{self.tasks - self.succeeded} did not succeed"
        # A task that was killed with its worker has been started twice, and no other.
        allowed = self.retried if self.kills_tasks else 0
        if self.retried > allowed:
            return f"{self.retried} were tried again"
        if self.tasks - self.once > allowed:
            return f"{self.tasks - self.once} were not executed once"
        return ""


def delete_pods(release: Release) -> None:
    """Delete a pod of each component, one after the other, each when the one before has ended."""
    for component in COMPONENTS:
        release.delete(release.pods(component)[0], INJECTION_SECONDS)


def restart_redis(release: Release) -> None:
    """Replace Redis by a new pod."""
    release.delete(f"{NAME}-redis-0", INJECTION_SECONDS)


def restart_database(release: Release) -> None:
    """Replace PostgreSQL by a new pod."""
    release.delete(f"{NAME}-postgresql-0", INJECTION_SECONDS)


def take_away(service: str, seconds: float) -> Callable[[Release], None]:
    """Return what has none of a StatefulSet's one pod for some time."""

    def inject(release: Release) -> None:
        stateful_set = f"statefulset/{NAME}-{service}"
        release.kubectl("scale", stateful_set, "--replicas=0")
        release.kubectl("wait", "--for=delete", f"pod/{NAME}-{service}-0", "--timeout=120s", timeout=130)
        time.sleep(seconds)
        release.kubectl("scale", stateful_set, "--replicas=1")

    return inject


def drain_worker(release: Release) -> None:
    """Drain the node of a worker, with whatever else runs there, and give it back."""
    node = release.node(release.pods("worker")[0])
    options = ["--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={INJECTION_SECONDS:.0f}s"]
    release.kubectl("drain", node, *options, timeout=INJECTION_SECONDS + 30)
    release.kubectl("uncordon", node)


def reboot_node(release: Release) -> None:
    """Restart the node of a worker."""
    run(["docker", "restart", release.node(release.pods("worker")[0])], timeout=120)


def replace_api_server(release: Release) -> None:
    """Replace the API server by a new pod, as a rollout does."""
    release.kubectl("rollout", "restart", f"deployment/{NAME}-api-server")
    release.kubectl("rollout", "status", f"deployment/{NAME}-api-server", timeout=INJECTION_SECONDS)


def change_configuration(release: Release) -> None:
    """Deploy with an option changed, which replaces the pods that read it."""
    release.play("deploy.yml", airflow_environment=[{"name": "SOAK", "value": str(int(time.time()))}])


FAULTS = {
    "pods": Fault("each component's pod deleted in turn", delete_pods),
    "redis": Fault("Redis restarted", restart_redis),
    "database": Fault("PostgreSQL restarted", restart_database),
    "redis-away": Fault(
        f"Redis away for {AWAY_SECONDS:.0f} s while tasks are sent", take_away("redis", AWAY_SECONDS), early=True
    ),
    "database-away": Fault(f"PostgreSQL away for {AWAY_SECONDS:.0f} s", take_away("postgresql", AWAY_SECONDS)),
    "drain": Fault("a worker's node drained", drain_worker),
    "api-server": Fault("API server replaced", replace_api_server),
    "configuration": Fault("configuration changed", change_configuration),
    "reboot": Fault("a worker's node rebooted", reboot_node, kills_tasks=True),
}


def add_parser(sections: Any) -> None:
    """Add this section to the command line."""
    parser = sections.add_parser("endurance", help=__doc__, description=__doc__)
    parser.add_argument("--only", action="append", choices=list(FAULTS), help="this fault alone; may be repeated")
    parser.add_argument("--tasks", type=int, default=TASKS, help="task instances of each run (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file, too")
    parser.set_defaults(command=_endure)


def _endure(options: argparse.Namespace) -> int:
    for command, words in ((cluster.main, ["up", "--workers", "2"]), (images.main, ["--load"])):
        if code := command([*words, "--name", CLUSTER]):
            return code
    release = Release()
    with step("Deploy the release and its DAG"):
        release.play("deploy.yml")
        release.play("playbooks/sync_dags.yml", airflow_dags_source="tests/endurance")
    outcomes, problems = [], []
    for fault in [FAULTS[key] for key in options.only or FAULTS]:
        try:
            outcome = endure(release, fault, options.tasks)
        except ToolError as error:
            # The others can still be shown.
            problems.append(f"{fault.name}: {error}")
            continue
        outcomes.append(outcome)
        if outcome.problem:
            problems.append(f"{fault.name}: {outcome.problem}")
        if options.json:
            options.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=2) + "\n")
    if outcomes:
        show(Section("Endurance", METHOD, table(outcomes), []))
    if problems:
        raise ToolError("\n".join(["not all is as promised:", *problems]))
    return 0


def endure(release: Release, fault: Fault, tasks: int) -> Outcome:
    """Inject a fault while task instances are in flight, and wait until all is over."""
    with step(f"{fault.name}: wait until the release is healthy"):
        release.wait_healthy()
    start = time.monotonic()
    with step(f"{fault.name}: {tasks} task instances get going"):
        run_id = release.trigger(tasks, TASK_SECONDS)
        until(lambda: _is_due(fault, release.states(run_id)), RUN_SECONDS, "few tasks have ended")
    states = release.states(run_id)
    begin = time.monotonic()
    with step(f"{fault.name}: do it, with {states['running']} running and {states['queued']} queued"):
        fault.inject(release)
    with step(f"{fault.name}: wait until the release is healthy again"):
        release.wait_healthy()
    healthy = time.monotonic() - begin
    with step(f"{fault.name}: wait for the run's end"):
        until(lambda: release.run_state(run_id) in ("success", "failed"), RUN_SECONDS, f"the run {run_id} of {DAG}")
    seconds = time.monotonic() - start
    found = judge(release.instances(run_id), release.executions(run_id))
    outcome = Outcome(
        fault.name, fault.kills_tasks, tasks, states["running"] + states["queued"], *found, healthy, seconds
    )
    say(f"{fault.name}: {outcome.problem or 'as promised'}")
    return outcome


def _is_due(fault: Fault, states: Counter[str]) -> bool:
    """Tell whether a fault may begin, from the task instances by their state."""
    sent = states["success"] + states["running"] + states["queued"]
    return sent > 0 if fault.early else states["success"] >= ENDED_BEFORE * sum(states.values()) > 0


def judge(instances: Iterable[Mapping[str, Any]], executions: Sequence[Execution]) -> tuple[int, int, int]:
    """Return how many task instances succeeded, how many were executed exactly once, and how many were retried."""
    starts = Counter(execution.map_index for execution in executions if execution.event == "start")
    ends = Counter(execution.map_index for execution in executions if execution.event == "end")
    succeeded = once = retried = 0
    for instance in instances:
        index = instance["map_index"]
        succeeded += instance["state"] == "success"
        once += starts[index] == ends[index] == 1
        retried += instance["try_number"] > 1
    return succeeded, once, retried


def table(outcomes: Iterable[Outcome]) -> list[tuple[str, ...]]:
    """Return the rows of the report."""
    heading = ("fault", "tasks", "in flight", "succeeded", "once", "retried", "healthy, s", "run, s")
    return [
        heading,
        *(
            (
                outcome.fault,
                *map(str, (outcome.tasks, outcome.in_flight, outcome.succeeded, outcome.once, outcome.retried)),
                f"{outcome.healthy:.0f}",
                f"{outcome.seconds:.0f}",
            )
            for outcome in outcomes
        ),
    ]
