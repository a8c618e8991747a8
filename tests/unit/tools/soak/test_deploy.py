"""What is read of a run's output."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.soak.deploy import play

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Change something
      ansible.builtin.copy:
        content: new
        dest: "{{ playbook_dir }}/file"
"""


def test_its_lines_have_no_colours_even_where_molecule_asks_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_FORCE_COLOR", "true")
    playbook = tmp_path / "play.yml"
    playbook.write_text(PLAYBOOK)
    run = play(str(playbook), tmp_path, "some", options=("--diff",)).expect_success()
    assert run.changed_tasks() == ["Change something"]
    assert [line.split(":")[0] for line in run.lines if line.startswith("+++")] == ["+++ after"]
