"""Tests that ask an API server about rendered releases."""

from __future__ import annotations

from tests.rendering import pytest_configure

__all__ = ["pytest_configure"]
