# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which options of Airflow one component alone reads: a change of them rolls its pods, and no others.

All pods have all options in their environment; what counts is what their processes read. An option that is not named
here counts for every component, so one that a newer Airflow or a provider brings is never missed. Read in Airflow's
source, versions 3.1.0 to 3.3.2, and held to the image by ``tests/cluster/test_option_readers.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

#: Options by the component that reads them, and by section.
READERS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "api-server": {
            "api": """
                access_control_allow_headers access_control_allow_methods access_control_allow_origins
                auto_refresh_interval default_wrap enable_swagger_ui expose_config expose_stacktrace
                fallback_page_limit grid_view_sorting_order hide_paused_dags_by_default host instance_name
                instance_name_has_markup log_config maximum_page_limit page_size require_confirmation_dag_change
                ssl_key theme worker_timeout workers
            """,
            "fab": """
                access_denied_message auth_backends auth_rate_limit auth_rate_limited cookie_samesite cookie_secure
                enable_proxy_fix expose_hostname navbar_color navbar_hover_color navbar_text_color
                navbar_text_hover_color proxy_fix_x_for proxy_fix_x_host proxy_fix_x_port proxy_fix_x_prefix
                proxy_fix_x_proto session_lifetime_minutes
            """,
        },
        "dag-processor": {
            "dag_processor": """
                bundle_refresh_check_interval dag_file_processor_timeout file_parsing_sort_mode max_callbacks_per_loop
                min_file_process_interval parsing_pre_import_modules parsing_processes print_stats_interval
                stale_dag_threshold
            """,
        },
        "flower": {
            "celery": "flower_host",
        },
        "scheduler": {
            "celery": "sync_parallelism task_publish_max_retries",
            "scheduler": """
                enable_tracemalloc num_runs num_stuck_in_queued_retries orphaned_tasks_check_interval
                parsing_cleanup_interval pool_metrics_interval running_metrics_interval
                scheduler_health_check_server_host scheduler_idle_sleep_time
                task_instance_heartbeat_timeout_detection_interval task_queued_timeout_check_interval
                trigger_timeout_check_interval
            """,
        },
        "triggerer": {
            "triggerer": "capacity",
        },
        "worker": {
            "celery": "pool worker_autoscale worker_prefetch_multiplier worker_umask",
            "workers": "max_failed_heartbeats min_heartbeat_interval",
        },
    }
)

#: Ways to give an option otherwise than by its value.
_OTHERWISE = re.compile(r"_(CMD|SECRET)$")

_READER = {
    f"AIRFLOW__{section}__{key}".upper(): component
    for component, sections in READERS.items()
    for section, keys in sections.items()
    for key in keys.split()
}


def reader(variable: str) -> str | None:
    """Return the one component that reads an environment variable, or None if others do, too, or nobody knows."""
    return _READER.get(variable) or _READER.get(_OTHERWISE.sub("", variable))


def read_by(component: str, config: Mapping[str, str]) -> dict[str, str]:
    """Return what a component reads of the release's options.

    :param component: such as ``dag-processor``, a key of :data:`READERS`.
    :param config: by environment variable, such as ``AIRFLOW__TRIGGERER__CAPACITY``.
    """
    return {variable: value for variable, value in config.items() if reader(variable) in (None, component)}
