"""What the suite runs, side by side and one after the other, and what it counts."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tools.environment.variables import venv_variables
from tools.suite import cli as suite
from tools.suite.stage import NICE, Result, Stage, position, run_stage, summary
from tools.suite.stages import groups


@pytest.fixture(autouse=True)
def _output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.suite.stage.OUTPUT", tmp_path)
    monkeypatch.setattr(suite, "CHECKOUT", tmp_path)
    monkeypatch.setattr(suite, "OUTPUT", tmp_path)


def shell(name: str, script: str, **rest: Any) -> Stage:
    return Stage(name, ("bash", "-c", script), **rest)


def junit(name: str, tests: int, failures: int = 0, errors: int = 0, skipped: int = 0, code: int = 0) -> Stage:
    """Return a stage that reports as pytest does; its last argument is the option with the report's path."""
    counts = f'tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}"'
    script = f"""echo '<testsuites><testsuite {counts}/></testsuites>' > "${{0#--junitxml=}}"; exit {code}"""
    return Stage(name, ("bash", "-c", script), junit=True)


class TestEssence:
    def test_begins_where_the_failure_is_told_and_leaves_colours_out(self) -> None:
        log = "\n".join(
            [
                *["well"] * 30,
                "fatal: wanted",
                "more",
                "\x1b[31m  │ fatal: [host]: FAILED! => why\x1b[0m",
                "  │ ",
                *["after"] * 30,
            ]
        )
        stage = shell("scenario", f"echo '{log}'; exit 1")
        run_stage(stage)
        lines = summary(stage).splitlines()
        assert lines[:2] == ["  | fatal: [host]: FAILED! => why", "  | after"]
        assert len(lines) == 15

    def test_is_the_end_of_a_log_that_tells_nothing(self) -> None:
        stage = shell("silent", "seq 100; exit 1")
        run_stage(stage)
        assert summary(stage).splitlines()[-1] == "  | 100"

    def test_stands_right_before_the_closing_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        results = [run_stage(shell("well", "true")), run_stage(shell("badly", "echo 'fatal: reason'; exit 3"))]
        suite.print_failures(results)
        assert capsys.readouterr().out == "badly failed:\n  | fatal: reason\n\n"


class TestPosition:
    @pytest.mark.parametrize(
        ("log", "where"),
        [
            ("  │ TASK [One] ****\\n  │ \\033[32mok: [a]\\033[0m\\n  │ TASK [Two] ****\\n  │ changed: [a]", "Two"),
            ("....... [ 15%%]\\n....... [ 45%%]\\n...", "45%"),
            ("==> Compile Kubernetes\\n    30 s: 120 of 800 packages", "30 s: 120 of 800 packages"),
            ("postgresql://airflow:hunter2@db/airflow", "postgresql://***@db/airflow"),
            ("", ""),
        ],
        ids=["Ansible", "pytest", "another program", "a password", "nothing yet"],
    )
    def test_is_what_the_end_of_the_log_says(self, log: str, where: str) -> None:
        stage = shell("running", f"printf '{log}'")
        run_stage(stage)
        assert position(stage) == where

    def test_is_shown_of_stages_that_run(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(suite, "LOG_SECONDS", 0.2)
        suite.Suite().run([[[shell("long", "echo far; sleep 1")], [shell("short", "true")]]])
        shown = [line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith("    ")]
        assert 2 <= len(shown) <= 5
        assert {*shown} <= {"long 0 s: far", "long 1 s: far", "long 0 s:"}


class TestStage:
    def test_counts_one_for_a_command(self) -> None:
        well, badly = run_stage(shell("well", "true")), run_stage(shell("badly", "exit 3"))
        assert (well.passed, well.failed, well.verdict) == (1, 0, "passed")
        assert (badly.passed, badly.failed, badly.verdict, badly.note) == (0, 1, "failed", "exit code 3")

    def test_counts_the_tests_of_pytest(self) -> None:
        result = run_stage(junit("unit", tests=10, failures=2, errors=1, skipped=3, code=1))
        assert (result.passed, result.failed, result.skipped, result.verdict) == (4, 3, 3, "failed")
        result = run_stage(junit("unit", tests=10))
        assert (result.passed, result.failed, result.verdict) == (10, 0, "passed")

    @pytest.mark.parametrize(
        "stage",
        [
            junit("unit", tests=0, code=5),
            junit("unit", tests=0),
            junit("unit", tests=7, code=2),
            Stage("unit", ("bash", "-c", "exit 4"), junit=True),
            Stage("unit", ("bash", "-c", "true"), junit=True),
        ],
        ids=["none", "none and no error", "all passed and then died", "no report", "no report and no error"],
    )
    def test_pytest_that_fails_without_a_failed_test_counts_as_one(self, stage: Stage) -> None:
        assert run_stage(stage).failed == 1

    def test_an_old_report_is_not_counted(self) -> None:
        run_stage(junit("unit", tests=10))
        assert run_stage(Stage("unit", ("bash", "-c", "exit 4"), junit=True)).passed == 0

    def test_is_killed_with_its_children_when_it_takes_too_long(self, tmp_path: Path) -> None:
        stage = shell("slow", f"(sleep 2; touch {tmp_path}/alive) & sleep 60", timeout=0.5)
        result = run_stage(stage)
        assert (result.failed, result.note) == (1, "still running after 0 s")
        assert result.seconds < 10
        time.sleep(2)
        assert not (tmp_path / "alive").exists()

    def test_a_command_that_is_not_there_has_failed(self) -> None:
        result = run_stage(Stage("nothing", ("no-such-command",)))
        assert result.failed == 1
        assert "no-such-command" in result.note

    def test_what_it_prints_is_in_its_log_and_it_cannot_ask(self) -> None:
        stage = shell("log", "echo out; echo err >&2; read -r line || echo nobody")
        run_stage(stage)
        assert stage.log.read_text() == "out\nerr\nnobody\n"

    @pytest.mark.parametrize(("background", "nice"), [(False, 0), (True, NICE)])
    def test_what_runs_in_the_background_gives_way(self, background: bool, nice: int) -> None:
        stage = shell("told", "sleep 0.5; nice; cat /proc/self/autogroup || echo none", background=background)
        run_stage(stage)
        own, group = stage.log.read_text().splitlines()[-2:]
        assert int(own) == max(nice, os.nice(0))
        assert group == "none" or group.endswith(f" nice {nice}")


class TestSuite:
    def run(self, *phases: list[list[Stage]]) -> list[Result]:
        return suite.Suite().run(phases)

    def test_runs_everything_whatever_fails(self, capsys: pytest.CaptureFixture[str]) -> None:
        results = self.run([[shell("a", "false"), shell("b", "true")]], [[shell("c", "true")]])
        assert [(result.stage.name, result.verdict) for result in results] == [
            ("a", "failed"),
            ("b", "passed"),
            ("c", "passed"),
        ]
        assert suite.print_count(results) == 1
        assert capsys.readouterr().out.splitlines()[-1] == "2 passed, 1 failed"

    def test_what_needs_a_failed_stage_is_not_run_and_has_failed(self) -> None:
        needy = shell("b", "true", needs=("a",))
        results = self.run([[shell("a", "false"), needy, shell("c", "true", needs=("b",))]])
        assert [result.note for result in results] == [
            "exit code 1",
            "not run, because a failed",
            "not run, because b failed",
        ]
        assert not needy.log.exists()

    def test_shows_the_end_of_a_failed_stages_log(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.run([[shell("a", "seq 100; false"), shell("b", "echo fine")]])
        said = capsys.readouterr().out
        assert "  | 100\n" in said
        assert "  | 60\n" not in said
        assert "  | fine" not in said

    def test_lanes_run_side_by_side_and_phases_do_not(self, tmp_path: Path) -> None:
        """Each of two lanes waits for what the other does, and the next phase finds both."""
        meet = "touch {0}/{1}; for _ in $(seq 100); do [ -e {0}/{2} ] && exit 0; sleep 0.1; done; exit 1"
        left = shell("left", meet.format(tmp_path, "l", "r"))
        right = shell("right", meet.format(tmp_path, "r", "l"))
        after = shell("after", f"[ -e {tmp_path}/l ] && [ -e {tmp_path}/r ]")
        assert [result.verdict for result in self.run([[left], [right]], [[after]])] == ["passed"] * 3

    def test_no_more_lanes_run_at_once_than_there_may(self, tmp_path: Path) -> None:
        count = f"cd {tmp_path}; touch $0.now; sleep 0.3; ls *.now | wc -l > $0.seen; rm $0.now"
        names = [f"lane{number}" for number in range(2 * suite.AT_ONCE + 1)]
        self.run([[Stage(name, ("bash", "-c", count, name))] for name in names])
        assert max(int((tmp_path / f"{name}.seen").read_text()) for name in names) == suite.AT_ONCE

    def test_what_needs_a_stage_of_another_lane_waits_for_it(self, tmp_path: Path) -> None:
        slow = shell("slow", f"sleep 0.5; touch {tmp_path}/done")
        needy = shell("needy", f"[ -e {tmp_path}/done ]", needs=("slow",))
        assert [result.verdict for result in self.run([[slow], [needy]])] == ["passed"] * 2

    def test_a_second_python_that_is_not_here_is_a_skip(self, capsys: pytest.CaptureFixture[str]) -> None:
        results = self.run([[shell("a", "true"), shell("unit-newest", "true", suffix="-newest")]])
        assert [result.verdict for result in results] == ["passed", "skipped"]
        assert suite.print_count(results) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 0 failed, 1 skipped"

    def test_what_can_be_downloaded_from_nowhere_is_a_skip(self, tmp_path: Path) -> None:
        there = tmp_path / "there"
        there.touch()
        sources = [there.as_uri(), (tmp_path / "away").as_uri()]
        results = self.run([[shell(str(number), "true", source=source) for number, source in enumerate(sources)]])
        assert [result.verdict for result in results] == ["passed", "skipped"]
        assert results[1].note == f"not run, because nobody answers at {sources[1]}"

    def test_nothing_at_all_is_no_success(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert suite.print_count([]) == 1
        assert capsys.readouterr().out == "0 passed, 0 failed\n"


class TestMain:
    @pytest.mark.parametrize(("arguments", "tier"), [([], ""), (["--all"], "all")])
    def test_scenarios_learn_of_the_tier(
        self, arguments: list[str], tier: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(suite.TIER, "")
        seen = []

        def run(_self: suite.Suite, _phases: object) -> list[Result]:
            seen.append(venv_variables("")[suite.TIER])
            return [Result(shell("a", ""), passed=1)]

        monkeypatch.setattr(suite.Suite, "run", run)
        assert suite.main(arguments) == 0
        assert seen == [tier]


class TestStages:
    def order(self, *names: str) -> list[list[list[str]]]:
        known = groups()
        wanted = {name: known[name] for name in names or known}
        return [[[stage.name for stage in lane] for lane in phase] for phase in suite.phases(wanted, known)]

    def test_all_of_them(self) -> None:
        first, second, *rest = self.order()
        assert first == [["environment", "environment-newest"]]
        assert second[0] == ["cluster", "load"]
        assert second[1][0] == "images"
        assert second[1][-3:] == ["unit", "unit-newest", "sanity"]
        assert second[2][:2] == ["scenario-default", "deploy-newest"]
        assert second[2][-1] == "destroy"
        assert all(len(lane) == 1 for lane in second[3:])
        assert rest[0] == [["scenario-failures", "scenario-operator"]]
        assert sum(len(lane) for phase in self.order() for lane in phase) == sum(map(len, groups().values()))

    def test_each_scenario_is_of_one_tier(self) -> None:
        known = groups()
        main, further = ([stage.name for stage in known[name]] for name in ("scenarios", "further"))
        assert "scenario-master_worker" in main
        assert "scenario-ingress_auth" in further
        timed = [stage.name for stage in known["timed"]]
        folders = [f"scenario-{path.parent.name}" for path in Path("molecule").glob("*/molecule.yml")]
        assert sorted([*main, *further, *timed, "scenario-default"]) == sorted(folders)

    def test_a_group_brings_what_it_needs_and_no_more(self) -> None:
        assert [lane for phase in self.order("sanity") for lane in phase if lane] == [["environment"], ["sanity"]]
        assert self.order("unit")[0] == [["environment", "environment-newest"]]

    def test_no_need_is_waited_for_in_vain(self) -> None:
        """A stage's needs are of an earlier phase, earlier in its lane, or in lanes that are under way before it is."""
        stages = {stage.name: stage for group in groups().values() for stage in group}
        earlier: set[str] = set()
        for lanes in self.order():
            at_once = {name for lane in lanes[: suite.AT_ONCE] for name in lane}
            for number, lane in enumerate(lanes):
                for place, name in enumerate(lane):
                    others = at_once - set(lanes[number]) if number < suite.AT_ONCE else at_once
                    assert set(stages[name].needs) <= {*earlier, *lane[:place], *others}, name
            earlier |= {name for lane in lanes for name in lane}

    def test_the_closing_line_is_what_ci_looks_for(self, capsys: pytest.CaptureFixture[str]) -> None:
        suite.print_count([Result(shell("a", ""), passed=3, skipped=1)])
        assert re.fullmatch(r"\d+ passed, \d+ failed(, \d+ skipped)?\n", capsys.readouterr().out)
