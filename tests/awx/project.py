"""Command line: copy this checkout as AWX's project has it, below ``ansible_collections`` of a folder."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tools.checks.collection_copy import copied_collection

if __name__ == "__main__":
    target = Path(sys.argv[1])
    shutil.rmtree(target, ignore_errors=True)
    with copied_collection() as copy:
        shutil.copytree(copy, target / "airflow" / "kubernetes", ignore=shutil.ignore_patterns(".git"))
