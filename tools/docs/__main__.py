"""Command line: write what is generated of the documentation from the data of the roles."""

from __future__ import annotations

import sys

from . import custom_resource, input_rules, network_table, role_readmes, surveys

WRITERS = (role_readmes, network_table, input_rules, custom_resource, surveys)

if __name__ == "__main__":
    sys.exit(max(writer.main() for writer in WRITERS))
