"""What MySQL's container does before the image's own entrypoint, which is stood in for here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tools.checks.rendered import RENDERED

MANIFEST = RENDERED / "mysql" / "mysql" / "2-statefulset-airflow-mysql.yaml"


class Server:
    """A pod whose volumes are folders.

    :param entrypoint: what stands in for the image's.
    """

    def __init__(self, folder: Path, entrypoint: str) -> None:
        self.volume = folder / "volume"
        self.set_up = folder / "set-up"
        self.programs = folder / "bin"
        for path in (self.volume, self.set_up, self.programs):
            path.mkdir()
        program = self.programs / "docker-entrypoint.sh"
        program.write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{entrypoint}\n")
        program.chmod(0o755)

    def start(self, **given: str) -> str:
        """Run the container's command with ``MYSQL_...`` given in its environment, and return what it says."""
        container = yaml.safe_load(MANIFEST.read_text())["spec"]["template"]["spec"]["containers"][0]
        command = [
            part.replace("/var/lib/mysql", str(self.volume)).replace("/docker-entrypoint-initdb.d", str(self.set_up))
            for part in [*container["command"], *container["args"][:1]]
        ]
        wanted = {"user": "airflow", "password": "secret", "database": "airflow"} | given
        environment = {f"MYSQL_{name.upper()}": value for name, value in wanted.items()}
        environment["PATH"] = f"{self.programs}:{os.environ['PATH']}"
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=20).stdout

    def statements(self) -> list[str]:
        return (self.set_up / "1-airflow.sql").read_text().splitlines()


@pytest.fixture
def interrupted(tmp_path: Path) -> Server:
    """A server whose set-up is killed when it has made a file."""
    return Server(tmp_path, 'mkdir -p "${2#--datadir=}"; date +%N >> "${2#--datadir=}/file"')


def complete(server: Server) -> None:
    """Let the set-up run to its end from now on. As the image's does, it runs scripts if there is no data yet."""
    (server.programs / "docker-entrypoint.sh").write_text(
        "#!/usr/bin/env bash\nset -eo pipefail\n"
        'data=${2#--datadir=}; if [[ ! -d $data ]]; then mkdir "$data"; '
        f'for script in "{server.set_up}"/*.sh; do . "$script"; done; fi; echo "$@"; env\n'
    )


@pytest.mark.parametrize(
    ("password", "quoted"),
    [
        ("plain", "'plain'"),
        ("it's", "'it''s'"),
        ("back\\slash", "'back\\\\slash'"),
        ("\\'", "'\\\\'''"),
        ("p@ss:/w?rd#%&+ \"'$(x)", "'p@ss:/w?rd#%&+ \"''$(x)'"),
        ("`touch x` * $HOME ;--", "'`touch x` * $HOME ;--'"),
    ],
)
def test_any_password_is_quoted_as_sql_wants_it(interrupted: Server, password: str, quoted: str) -> None:
    interrupted.start(password=password)
    assert f"CREATE USER 'airflow'@'%' IDENTIFIED BY {quoted};" in interrupted.statements()


def test_so_are_the_names(interrupted: Server) -> None:
    interrupted.start(user="o'neill", database="a`b_c")
    assert interrupted.statements()[1:] == [
        "CREATE DATABASE IF NOT EXISTS `a``b_c`;",
        "CREATE USER 'o''neill'@'%' IDENTIFIED BY 'secret';",
        "GRANT ALL ON `a``b\\_c`.* TO 'o''neill'@'%';",
    ]


def test_nobody_else_reads_the_file_and_it_goes_when_the_set_up_is_complete(interrupted: Server) -> None:
    interrupted.start()
    assert (interrupted.set_up / "1-airflow.sql").stat().st_mode & 0o777 == 0o600
    complete(interrupted)
    interrupted.start()
    assert not (interrupted.set_up / "1-airflow.sql").exists()


def test_a_set_up_that_was_cut_short_is_begun_anew(interrupted: Server) -> None:
    interrupted.start()
    first = (interrupted.volume / "data" / "file").read_text()
    interrupted.start()
    assert (interrupted.volume / "data" / "file").read_text() not in (first, first * 2)
    assert len((interrupted.volume / "data" / "file").read_text().splitlines()) == 1


def test_what_is_complete_stays(interrupted: Server) -> None:
    complete(interrupted)
    interrupted.start()
    kept = interrupted.volume / "data" / "kept"
    kept.touch()
    interrupted.start(password="another")
    assert kept.exists()
    assert [path.name for path in interrupted.volume.iterdir()] == ["data"]
    assert not (interrupted.set_up / "1-airflow.sql").exists()


def test_the_images_entrypoint_makes_no_user_of_its_own(interrupted: Server) -> None:
    complete(interrupted)
    said = interrupted.start(user="someone", password="secret")
    assert said.splitlines()[0].startswith("mysqld --datadir=")
    assert "MYSQL_" not in said
    assert "secret" not in said
