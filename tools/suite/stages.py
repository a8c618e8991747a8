"""What the test suite consists of, and in which order."""

from __future__ import annotations

from collections.abc import Iterator

from ..common.paths import CHECKOUT
from .stage import Stage

#: Seconds for a scenario: a deploy is a minute or two, what a scenario does with it some more.
SCENARIO_SECONDS = 1200

OURS = ("examples", "operator", "plugins", "roles", "tests", "tools")

ENVIRONMENT = (
    Stage("environment", ("python3", "-m", "tools.environment"), timeout=1800),
    Stage("environment-newest", ("python3", "-m", "tools.environment", "--newest"), timeout=1800),
)

#: The cluster comes up while the checks run: it waits for the network where these want the processor.
CLUSTER = (
    Stage("cluster", ("python3", "-m", "tools.cluster", "up"), timeout=3600),
    Stage("load", ("python3", "-m", "tools.images", "--load"), timeout=600, needs=("cluster", "images")),
)

#: The images are made beside the cluster, which takes longer.
IMAGES = (Stage("images", ("python3", "-m", "tools.images"), timeout=1800),)


#: Seconds for a check: it may get a small share of the processor for a while.
CHECK_SECONDS = 1800


def check(name: str, *command: str, suffix: str = "", junit: bool = False) -> Stage:
    """Return a stage that needs no cluster, and so gives way to what makes one."""
    return Stage(
        name,
        command,
        timeout=CHECK_SECONDS,
        suffix=suffix,
        needs=(f"environment{suffix}",),
        junit=junit,
        background=True,
    )


LINT = (
    check("ruff", "ruff", "check", *OURS),
    check("ruff-format", "ruff", "format", "--check", "--diff", *OURS),
    check("yamllint", "yamllint", "--strict", "."),
    check("mypy", "mypy"),
    check("ansible-lint", "ansible-lint"),
    check("actionlint", "python", "-m", "tools.checks.actionlint"),
    check("antsibull-docs", "python", "-m", "tools.checks.docs_lint"),
)

UNIT = tuple(check(f"unit{suffix}", "pytest", "tests/unit", suffix=suffix, junit=True) for suffix in ("", "-newest"))

SANITY = (check("sanity", "python", "-m", "tools.checks.sanity"),)

#: Where scenarios download what is no package of Debian, Python or Go.
SOURCES = {
    "ingress_auth": "https://repo.maven.apache.org/maven2/org/keycloak/keycloak-quarkus-dist/maven-metadata.xml",
}


def scenario(name: str) -> Stage:
    """Return the stage that runs a molecule scenario."""
    return Stage(
        f"scenario-{name}",
        ("molecule", "--base-config", ".config/molecule/config.yml", "test", "--scenario-name", name),
        timeout=SCENARIO_SECONDS,
        needs=("environment", "load"),
        source=SOURCES.get(name, ""),
    )


#: The scenario whose release is the one of the inventory kind.
DEFAULT = "default"
#: Scenarios that take the time, which has to be the cluster's and not another scenario's.
TIMED = ("failures", "operator")
#: The longest of the others.
LONG = ("master_worker", "secrets", "external_services", "ingress_auth", "mysql", "network_policies", "crash_recovery")


#: What the molecule.yml of a scenario says that `make test` leaves to `make test-all`.
FURTHER = "# Tier: test-all\n"


def scenarios(*, further: bool) -> Iterator[Stage]:
    """Yield the scenarios of a tier that may run beside another; the longest first, so that none is left at the end."""
    files = sorted((CHECKOUT / "molecule").glob("*/molecule.yml"))
    names = {path.parent.name for path in files if (FURTHER in path.read_text()) is further} - {DEFAULT, *TIMED}
    for name in sorted(names, key=lambda name: (LONG.index(name) if name in LONG else len(LONG), name)):
        yield scenario(name)


#: The release of the inventory kind: deployed with the newest ansible-core, taken over by the oldest from an installed
#: tarball, and looked at.
PLAYBOOK = ("ansible-playbook", "--inventory", "inventories/kind")
DESTROY_DATA = ("-e", "airflow_destroy_data=true", "-e", "airflow_destroy_confirm=airflow/airflow")
BROWSER = (
    Stage("deploy-newest", (*PLAYBOOK, "deploy.yml"), suffix="-newest", needs=("environment-newest", "load")),
    Stage(
        "deploy", ("python", "-m", "tools.checks.installed", "airflow.kubernetes.deploy"), needs=("environment", "load")
    ),
    Stage(
        "sync-dags",
        (*PLAYBOOK, "playbooks/sync_dags.yml", "-e", "airflow_dags_source=examples/dags"),
        needs=("deploy",),
    ),
    Stage("run-dag", (*PLAYBOOK, "playbooks/run_dag.yml", "-e", "airflow_dag=example_parallel"), needs=("sync-dags",)),
    Stage("status", (*PLAYBOOK, "playbooks/status.yml"), needs=("deploy",)),
    Stage("browser", ("python", "-m", "tools.checks.browser"), needs=("run-dag",), junit=True),
    Stage("destroy", (*PLAYBOOK, "playbooks/destroy.yml", *DESTROY_DATA), needs=("deploy",)),
)

#: What is asked of the API server alone.
ON_CLUSTER = (Stage("on-cluster", ("pytest", "tests/cluster"), needs=("environment", "load"), junit=True),)


def groups() -> dict[str, tuple[Stage, ...]]:
    """Return the stages by the name under which they are asked for."""
    return {
        "environment": ENVIRONMENT,
        "cluster": CLUSTER,
        "images": IMAGES,
        "lint": LINT,
        "unit": UNIT,
        "sanity": SANITY,
        "default": (scenario(DEFAULT),),
        "browser": BROWSER,
        "scenarios": tuple(scenarios(further=False)),
        "further": tuple(scenarios(further=True)),
        "on-cluster": ON_CLUSTER,
        "timed": tuple(scenario(name) for name in TIMED),
    }
