"""Command line: write what is generated of the documentation from the data of the roles."""

from __future__ import annotations

import sys

from . import custom_resource, input_rules, network_table, role_readmes

if __name__ == "__main__":
    sys.exit(role_readmes.main() or network_table.main() or input_rules.main() or custom_resource.main())
