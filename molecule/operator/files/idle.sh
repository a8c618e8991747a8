#!/usr/bin/env bash
# Prints what the containers of an idle operator use, over a minute: idle.sh <context> <namespace> <deployment>
set -o errexit -o nounset -o pipefail

inside() {
  kubectl --context "$1" --namespace "$2" exec "deployment/$3" --container "$4" -- cat "/sys/fs/cgroup/$5"
}

for container in operator watch; do
  before="$(inside "$1" "$2" "$3" "${container}" cpu.stat | awk '/^usage_usec/ {print $2}')"
  sleep 30
  after="$(inside "$1" "$2" "$3" "${container}" cpu.stat | awk '/^usage_usec/ {print $2}')"
  memory="$(inside "$1" "$2" "$3" "${container}" memory.current)"
  echo "${container}: $(((after - before) / 30000)) thousandths of a core, $((memory / 1048576)) MiB"
done
