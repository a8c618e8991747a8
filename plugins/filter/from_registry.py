# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``from_registry``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: from_registry
short_description: Have an image from another registry
version_added: 0.1.0
author:
  - airflow.kubernetes authors (@airflow-kubernetes)
description:
  - Puts a registry, with or without a path, in the place of the one that an image names. Its path, tag and digest stay.
  - An image that names none gets it in front.
options:
  _input:
    description: The image.
    type: str
    required: true
  _registry:
    description: The registry. Empty leaves the image as it is.
    type: str
    required: true
"""

EXAMPLES = r"""
# => registry.example.com/mirror/library/postgres:17
image: "{{ 'docker.io/library/postgres:17' | airflow.kubernetes.from_registry('registry.example.com/mirror') }}"
"""

RETURN = r"""
_value:
  description: The image.
  type: str
"""

import re

#: As in the references of container images: what comes before the first slash is a host if it looks like one.
_HOST = re.compile(r"^(?:localhost|[^/]*[.:][^/]*)/")


def from_registry(image: str, registry: str) -> str:
    return f"{registry.rstrip('/')}/{_HOST.sub('', image)}" if registry else image


class FilterModule:
    def filters(self) -> dict[str, object]:
        return {"from_registry": from_registry}
