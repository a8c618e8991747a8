"""Command line: look for the values of a namespace's Secrets where none should be; tell where one is, and fail."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..common.run import run
from . import leak_search


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 1 if a value was found, 2 if there was nothing to look for."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.checks.leaks", description=__doc__)
    parser.add_argument("--context", required=True, help="the context of the cluster")
    parser.add_argument("--namespace", required=True, help="the namespace whose Secrets hold the values")
    parser.add_argument("folders", nargs="*", type=Path, help="where to look (default: standard input)")
    options = parser.parse_args(arguments)

    def kubectl(*words: str) -> str:
        where = ["--context", options.context, "--namespace", options.namespace]
        return run(["kubectl", *where, *words], timeout=60, log_stdout=False)

    values = leak_search.Values()
    for secret in leak_search.secrets(kubectl):
        values.add(secret)
    texts = [text for folder in options.folders for text in leak_search.folder_texts(folder)]
    if not options.folders:
        texts = [("standard input", sys.stdin.read())]
    size = sum(len(text) for _where, text in texts)
    if not values or not size:
        parser.error(f"{len(values)} spellings to look for in {size} characters prove nothing")
    found = leak_search.search(values, texts)
    print(
        f"{len(found)} found, in {len(texts)} texts of {size} characters, of {len(values)} spellings", *found, sep="\n"
    )
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
