"""What this machine's kernel allows, where several nodes need more than it allows at first."""

from __future__ import annotations

from pathlib import Path

from ..common.step import say

INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
#: A node uses some sixty; the usual limit is 128 for all of them together.
INSTANCES = 1024


def ensure_inotify_instances() -> None:
    """Allow as many inotify instances as several nodes need, or say that this may not be done here."""
    try:
        if int(INOTIFY_INSTANCES.read_text()) >= INSTANCES:
            return
    except OSError:
        # Not Linux: Docker's own machine has its own limits.
        return
    command = f"sysctl fs.inotify.max_user_instances={INSTANCES}"
    try:
        INOTIFY_INSTANCES.write_text(str(INSTANCES))
    except OSError as error:
        say(f"Several nodes may fail with 'too many open files', for this may not be set here ({error}): {command}")
    else:
        say(f"Several nodes need it: {command}")
