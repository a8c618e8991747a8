"""What kube-score says is read, and judged by what the documentation tells."""

from __future__ import annotations

from typing import Any

from tools.checks.kube_score import KINDS, LEFT_OUT, MAY_WARN, Finding, findings
from tools.common.paths import CHECKOUT

PAGE = (CHECKOUT / "docs" / "pod-security.md").read_text()


def answer(*checks: tuple[str, int, bool]) -> list[dict[str, Any]]:
    return [
        {
            "type_meta": {"kind": "Deployment"},
            "object_meta": {"name": "airflow-flower"},
            "checks": [
                {
                    "check": {"id": name},
                    "grade": grade,
                    "skipped": skipped,
                    "comments": [{"path": "flower", "summary": "no limit"}, {"path": "", "summary": "few"}],
                }
                for name, grade, skipped in checks
            ],
        }
    ]


def test_what_is_well_or_was_skipped_is_no_finding() -> None:
    assert list(findings(answer(("well", 10, False), ("almost", 7, False), ("skipped", 1, True)))) == []


def test_the_policy_of_pods_that_come_and_go_need_not_find_one() -> None:
    policies = answer(("networkpolicy-targets-pod", 1, False))
    assert len(list(findings(policies))) == 1
    policies[0]["object_meta"]["name"] = "airflow-task-pod"
    assert list(findings(policies)) == []


def test_a_finding_tells_all_of_it() -> None:
    found = list(findings(answer(("container-resources", 1, False), ("deployment-replicas", 5, False))))
    assert [str(finding) for finding in found] == [
        "CRITICAL Deployment/airflow-flower: flower no limit; few (container-resources)",
        "WARNING Deployment/airflow-flower: flower no limit; few (deployment-replicas)",
    ]
    assert [finding.is_told for finding in found] == [False, True]


def test_what_is_critical_or_new_is_told_nowhere() -> None:
    assert not Finding(1, MAY_WARN[0], "", "").is_told
    assert not Finding(5, "new", "", "").is_told


def test_the_documentation_has_the_command() -> None:
    assert f"get {KINDS} -o json | kube-score score" in PAGE
    assert f"--ignore-test {','.join(LEFT_OUT)} -\n" in PAGE
