"""The one error that ends a command with a message instead of a traceback."""

from __future__ import annotations


class ToolError(Exception):
    """Something cannot be done; the message says what, and what to do about it."""
