"""The environment variables of what runs in a virtual environment of the checkout, on its cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..cluster.kind_config import CLUSTER
from ..cluster.ports import address_variables
from ..common.paths import CHECKOUT, kubeconfig
from ..common.run import environment

#: For an Ansible whose output is read by a program. Molecule asks for colours in all that it starts, and
#: ANSIBLE_FORCE_COLOR wins over ANSIBLE_NOCOLOR.
WITHOUT_COLOR = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}


def venv_variables(suffix: str) -> Mapping[str, str]:
    """Return the environment variables with which a virtual environment and its collections are used."""
    venv = CHECKOUT / f".venv{suffix}"
    env = environment()
    return {
        **env,
        "VIRTUAL_ENV": str(venv),
        "PATH": f"{venv / 'bin'}{os.pathsep}{env['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / f".collections{suffix}"),
        "KUBECONFIG": str(kubeconfig(CLUSTER)),
        **address_variables(CLUSTER),
        # Where no terminal is, output would wait in a buffer and be lost when a stage is killed.
        "PYTHONUNBUFFERED": "1",
    }
