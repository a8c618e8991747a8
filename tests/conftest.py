"""Puts the collections of the running virtual environment, and tools/, where tests import them from."""

from __future__ import annotations

import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
# .venv goes with .collections, and .venv-newest with .collections-newest.
COLLECTIONS = CHECKOUT / Path(sys.prefix).name.replace(".venv", ".collections")

if not COLLECTIONS.is_dir():
    COLLECTIONS = CHECKOUT / ".collections"
sys.path[:0] = [str(COLLECTIONS), str(CHECKOUT)]
os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS)
