"""Command line: run ansible-test sanity, with PyPI as all that it needs of the internet."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import ansible_test

from ..common.paths import cache
from ..common.pip import download_wheel
from ..environment.variables import venv_variables
from .collection_copy import copied_collection

#: Where ansible-test says which pip it puts into the environments of its tests.
REQUIREMENTS = Path(ansible_test.__file__).parent / "_internal" / "python_requirements.py"

BOOTSTRAP = """\
# Stands in for get-pip.py, which ansible-test would download from its own site.
import subprocess
import sys

wheel = {wheel!r}
command = [sys.executable, wheel + "/pip", "install", "--quiet", "--no-index", "--disable-pip-version-check", wheel]
sys.exit(subprocess.run(command).returncode)
"""


def main(arguments: list[str] | None = None) -> int:
    """Run it and return its exit code; the arguments are passed on."""
    # ansible-test keeps the environments of its tests in the home folder; the user's is no place for our stand-in.
    home = cache("ansible-test")
    write_bootstrap(home / ".ansible" / "test" / "cache")
    # Only this Python: what else is on PATH under such a name need not run.
    options = ["--python", f"{sys.version_info[0]}.{sys.version_info[1]}", "--color", "no", "--truncate", "0"]
    command = ["ansible-test", "sanity", *options, *(arguments or sys.argv[1:])]
    with copied_collection() as copy:
        env = {**venv_variables(""), "ANSIBLE_COLLECTIONS_PATH": str(copy.parents[2]), "HOME": str(home)}
        return subprocess.run(command, env=env, cwd=copy, stdin=subprocess.DEVNULL, check=False).returncode


def write_bootstrap(folder: Path) -> None:
    """Write what ansible-test takes for the downloaded bootstrap of the pip that it wants."""
    folder.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"pip='([0-9.]+)'", REQUIREMENTS.read_text()):
        script = folder / f"get_pip_{version.replace('.', '_')}.py"
        if not script.exists():
            wheel = download_wheel(f"pip=={version}", folder)
            script.write_text(BOOTSTRAP.format(wheel=str(wheel)))


if __name__ == "__main__":
    sys.exit(main())
