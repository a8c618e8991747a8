"""The programs that are built from Go modules: Kubernetes', kind, and what runs on the node."""

from __future__ import annotations

from ..common.paths import CHECKOUT, IMAGES
from ..common.versions import (
    ACTIONLINT,
    ANSIBLE_OPERATOR,
    CLOUD_SQL_PROXY,
    COREDNS,
    CYCLONUS,
    ETCD,
    GENPROTO,
    GITOPS_ENGINE,
    KIND,
    KUBE_SCORE,
    KUBERNETES,
    KWOK,
    LOCAL_PATH_PROVISIONER,
)
from .go import GoProgram

# What kubeadm reads to know its own version; a released binary has it from the release's build.
_VERSION_PACKAGES = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"]
_MAJOR, _MINOR, _ = KUBERNETES.split(".")
# Kubernetes 1.X.Y publishes its libraries as 0.X.Y.
_LIBRARIES = f"0.{KUBERNETES.split('.', 1)[1]}"
_VERSION_VARIABLES = {
    "gitVersion": f"v{KUBERNETES}",
    "gitMajor": _MAJOR,
    "gitMinor": _MINOR,
    "gitTreeState": "clean",
}

KUBERNETES_COMMANDS = GoProgram(
    name="kubernetes",
    module="k8s.io/kubernetes",
    version=KUBERNETES,
    packages=tuple(
        (command, f"k8s.io/kubernetes/cmd/{command}")
        for command in (
            "kubeadm",
            "kubectl",
            "kubelet",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-proxy",
            "kube-scheduler",
        )
    ),
    staging=True,
    variables=tuple(
        (f"{package}.{name}", value) for package in _VERSION_PACKAGES for name, value in _VERSION_VARIABLES.items()
    ),
)

KIND_COMMAND = GoProgram(
    name="kind",
    module="sigs.k8s.io/kind",
    version=KIND,
    packages=(("kind", "sigs.k8s.io/kind"),),
)

ETCD_SERVER = GoProgram(
    name="etcd",
    module="go.etcd.io/etcd/server/v3",
    version=ETCD,
    packages=(("etcd", "go.etcd.io/etcd/server/v3"),),
)

COREDNS_SERVER = GoProgram(
    name="coredns",
    module="github.com/coredns/coredns",
    version=COREDNS,
    source=IMAGES / "node" / "coredns" / "main.go",
)

LOCAL_PATH_STORAGE = GoProgram(
    name="local-path-provisioner",
    module="github.com/rancher/local-path-provisioner",
    version=LOCAL_PATH_PROVISIONER,
    packages=(("local-path-provisioner", "github.com/rancher/local-path-provisioner"),),
    requirements=tuple((f"k8s.io/{name}", _LIBRARIES) for name in ("api", "apimachinery", "client-go")),
)

FAKE_KUBELET = GoProgram(
    name="kwok",
    module="sigs.k8s.io/kwok",
    version=KWOK,
    packages=(("kwok", "sigs.k8s.io/kwok/cmd/kwok"),),
)

POLICY_ANALYZER = GoProgram(
    name="cyclonus",
    module="github.com/mattfenwick/cyclonus",
    version=CYCLONUS,
    packages=(("cyclonus", "github.com/mattfenwick/cyclonus/cmd/cyclonus"),),
)

ACTIONLINT_COMMAND = GoProgram(
    name="actionlint",
    module="github.com/rhysd/actionlint",
    version=ACTIONLINT,
    packages=(("actionlint", "github.com/rhysd/actionlint/cmd/actionlint"),),
)

SCORE_COMMAND = GoProgram(
    name="kube-score",
    module="github.com/zegl/kube-score",
    version=KUBE_SCORE,
    packages=(("kube-score", "github.com/zegl/kube-score/cmd/kube-score"),),
)

# Kubernetes is the module, because the library needs it whole and says nothing of where its parts are.
ARGOCD_SYNC_COMMAND = GoProgram(
    name="argocd-sync",
    module="k8s.io/kubernetes",
    version=KUBERNETES,
    source=CHECKOUT / "tests" / "gitops" / "main.go",
    requirements=(("github.com/argoproj/gitops-engine", GITOPS_ENGINE),),
    staging=True,
)

PAUSE_PROCESS = GoProgram(
    name="pause",
    module="",
    version="",
    source=IMAGES / "node" / "pause" / "main.go",
)

CLOUD_SQL_PROXY_COMMAND = GoProgram(
    name="cloud-sql-proxy",
    module="github.com/GoogleCloudPlatform/cloud-sql-proxy/v2",
    version=CLOUD_SQL_PROXY,
    packages=(("cloud-sql-proxy", "github.com/GoogleCloudPlatform/cloud-sql-proxy/v2"),),
    replacements=(("google.golang.org/genproto", GENPROTO),),
)

ANSIBLE_OPERATOR_COMMAND = GoProgram(
    name="ansible-operator",
    module="github.com/operator-framework/ansible-operator-plugins",
    version=ANSIBLE_OPERATOR,
    packages=(("ansible-operator", "github.com/operator-framework/ansible-operator-plugins/cmd/ansible-operator"),),
)
