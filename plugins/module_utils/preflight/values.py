# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the rules of input look at beside the options of the module ``preflight``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Where the task does not give them: those of a release with its own database and Redis, which violate no rule.
DEFAULTS: Mapping[str, Any] = {
    "workers_database_access": True,
    "logs_are_in_pods": False,
    "airflow_backup_destination": "",
    "airflow_backup_claim": "",
    "airflow_remote_logs": "",
    "airflow_remote_logs_endpoint": "",
    "has_remote_logs_ca": False,
    "has_remote_logs_secret": False,
    "airflow_identity": "",
    "airflow_identity_tenant": "",
    "airflow_identity_expiration": 3600,
    "identity_roles": {},
    "is_master_worker": False,
    "airflow_result_backend_secret": "",
    "airflow_result_backend_address": "",
    "airflow_base_url": "",
    "exposes_api_server": False,
    "flower_base_url": "",
    "exposes_flower": False,
    "routes": [],
    "airflow_webserver_config": False,
    "airflow_auth_type": "database",
    "has_auth_options": False,
    "airflow_auth_ldap_server": "",
    "ldap_bind_is_incomplete": False,
    "airflow_auth_oauth_providers": 0,
    "database_tls": "disable",
    "database_ca": "",
    "database_is_mysql_with_tls": False,
    "airflow_database_backend": "postgresql",
    "airflow_database_host": "",
    "airflow_database_tls_mode": "",
    "airflow_cloud_sql_instance": "",
    "airflow_cloud_sql_iam_user": "",
    "database_password": "",
    "airflow_database_secret": "",
    "airflow_database_url_key": "",
    "airflow_database_async_url_key": "",
    "airflow_pgbouncer_enabled": False,
    "airflow_redis_tls": False,
    "airflow_redis_host": "",
    "airflow_redis_sentinels": [],
    "has_own_redis": True,
    "sentinel_login": "",
    "network_rules_of": [],
    "network_components": [],
    "has_network_policies": True,
    "proxies": {"rules": {}, "wrong": [], "unread": []},
    "secret_origins": [],
    "external_secrets": [],
    "own_secrets": [],
}
