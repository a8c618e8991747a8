# kube-proxy is the one of Kubernetes' processes that calls other programs.
ARG BASE
FROM ${BASE}
RUN set -eux; \
    apt-get update; \
    apt-get install --yes conntrack ipset iptables kmod nftables; \
    rm -rf /var/lib/apt/lists/* /var/log/*
COPY kube-proxy /usr/local/bin/kube-proxy
ENTRYPOINT ["/usr/local/bin/kube-proxy"]
