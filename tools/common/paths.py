"""Where things are: the checkout, and the cache outside it."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
IMAGES = CHECKOUT / "images"
ROLES = CHECKOUT / "roles"
#: Where the tests write.
OUTPUT = CHECKOUT / "tests" / "output"


def cache(*parts: str) -> Path:
    """Return a folder in the cache, made if missing."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = root.joinpath("airflow-kubernetes", *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def kubeconfig(name: str) -> Path:
    """Return the path of a cluster's own kubeconfig, which exists once it is up."""
    return cache() / f"{name}.kubeconfig"
