# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of how users log in."""

from __future__ import annotations

from .rule import Rule

LOGIN_RULES: tuple[Rule, ...] = (
    Rule(
        "airflow_webserver_config airflow_auth_type airflow_auth_options",
        "a file of your own and the collection's options are both given",
        "airflow_webserver_config is set, and so is airflow_auth_type or airflow_auth_options, which it takes the "
        "place of. Leave out one of them.",
        lambda given: given["airflow_webserver_config"] and given["has_auth_options"],
    ),
    Rule(
        "airflow_auth_ldap_server",
        "airflow_auth_type is ldap without it",
        "airflow_auth_type is ldap, but no directory is named. Set airflow_auth_ldap_server, for example "
        "ldaps://ldap.example.com.",
        lambda given: given["airflow_auth_type"] == "ldap" and not given["airflow_auth_ldap_server"],
        cel="self.airflow_auth_type != 'ldap' || {airflow_auth_ldap_server}",
    ),
    Rule(
        "airflow_auth_ldap_bind_user airflow_auth_ldap_secret airflow_auth_ldap_search",
        "a user looks others up without a password or a place to look",
        "airflow_auth_ldap_bind_user looks users up, which takes a password and a place to look. Set "
        "airflow_auth_ldap_secret and airflow_auth_ldap_search.",
        lambda given: given["airflow_auth_type"] == "ldap" and given["ldap_bind_is_incomplete"],
    ),
    Rule(
        "airflow_auth_oauth_providers",
        "airflow_auth_type is oauth without it",
        "airflow_auth_type is oauth, but no provider is named. Set airflow_auth_oauth_providers.",
        lambda given: given["airflow_auth_type"] == "oauth" and not given["airflow_auth_oauth_providers"],
        cel="self.airflow_auth_type != 'oauth' || {airflow_auth_oauth_providers}",
    ),
)
