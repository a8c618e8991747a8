# Copyright: (c) 2026, the airflow.kubernetes authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kinds of objects that are treated in a way of their own."""

from __future__ import annotations

#: What holds data or secrets leaves a set without being deleted: only a user who names it deletes it.
KEPT_KINDS = frozenset({"Namespace", "PersistentVolume", "PersistentVolumeClaim", "Secret", "CustomResourceDefinition"})

#: What lives in no namespace, of Kubernetes' own kinds and of some that many clusters have; every other kind does, as
#: far as can be told without a cluster: with one, it is asked.
CLUSTER_KINDS = frozenset(
    {
        "APIService",
        "CSIDriver",
        "CertificateSigningRequest",
        "ClusterIssuer",
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterSecretStore",
        "CustomResourceDefinition",
        "DeviceClass",
        "FlowSchema",
        "GatewayClass",
        "IngressClass",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttributesClass",
    }
)


def is_namespaced(_api_version: str, kind: str) -> bool:
    """Tell whether objects of a kind live in a namespace, where no cluster can be asked."""
    return kind not in CLUSTER_KINDS
