"""How far a build of Go modules is."""

from __future__ import annotations

from tools.programs.go import compiled


def test_packages_of_go_are_counted_and_downloads_are_not() -> None:
    output = "go: downloading k8s.io/api v0.34.4\ninternal/abi\n# runtime/cgo\nk8s.io/api/core/v1\n"
    assert compiled(output, 1200) == "2 of up to 1200 packages compiled, now k8s.io/api/core/v1"
    assert compiled("", 1200) == "0 of up to 1200 packages compiled"
