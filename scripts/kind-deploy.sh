#!/usr/bin/env bash
# kind-deploy.sh [delete]: a server in a kind cluster on this machine, reachable at localhost:HOST_PORT. A second run updates
# what is there; `delete` ends the cluster.
set -euo pipefail

# Names and defaults are those of llm-d-inference-sim's `make dev-env-kind`.
CLUSTER_NAME=${CLUSTER_NAME-${KIND_CLUSTER_NAME:-llm-d-inference-sim-dev}}
HOST_PORT=${HOST_PORT-30080}
MODEL_NAME=${MODEL_NAME-TinyLlama/TinyLlama-1.1B-Chat-v1.0}
VLLM_SIMULATOR_IMAGE=${VLLM_SIMULATOR_IMAGE-ghcr.io/vllm-sim/vllm-sim:0.1.0}
HF_TOKEN=${HF_TOKEN-}
export MODEL_NAME VLLM_SIMULATOR_IMAGE HOST_PORT HF_TOKEN

fail() {
  echo "Error: $1" >&2
  exit 1
}

require_values() {
  local name
  for name in CLUSTER_NAME HOST_PORT MODEL_NAME VLLM_SIMULATOR_IMAGE; do
    [ -n "${!name}" ] || fail "$name must not be empty"
  done
  # What Kubernetes hands out as node ports.
  [[ $HOST_PORT =~ ^[0-9]+$ ]] && [ "$HOST_PORT" -ge 30000 ] && [ "$HOST_PORT" -le 32767 ] ||
    fail "HOST_PORT must be a number from 30000 to 32767, and is \"$HOST_PORT\""
}

find_runtime() {
  CONTAINER_RUNTIME=${CONTAINER_RUNTIME:-$(command -v docker || command -v podman || true)}
  [ -n "$CONTAINER_RUNTIME" ] || fail 'Neither docker nor podman could be found in PATH'
  CONTAINER_RUNTIME=$(basename "$CONTAINER_RUNTIME")
  if [ "$CONTAINER_RUNTIME" = podman ]; then export KIND_EXPERIMENTAL_PROVIDER=podman; fi
}

require_tools() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || fail "$tool is not installed or not in the PATH."
  done
}

create_cluster() {
  if kind get clusters 2>/dev/null | grep -qx "$CLUSTER_NAME"; then
    echo "Cluster '$CLUSTER_NAME' exists, and is used again."
  else
    kind create cluster --name "$CLUSTER_NAME" --config - <<CLUSTER
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
    extraPortMappings:
      - containerPort: $HOST_PORT
        hostPort: $HOST_PORT
CLUSTER
  fi
  kubectl config use-context "kind-$CLUSTER_NAME"
  # Without it some hosts do not answer for the addresses of pods.
  "$CONTAINER_RUNTIME" exec "$CLUSTER_NAME-control-plane" sysctl -w net.ipv4.conf.all.arp_ignore=0
  kubectl wait --for=condition=Ready --timeout=600s --namespace kube-system --all pods
  kubectl wait --for=condition=Ready --timeout=300s --namespace local-path-storage --all pods
}

load_image() {
  "$CONTAINER_RUNTIME" image inspect "$VLLM_SIMULATOR_IMAGE" >/dev/null 2>&1 || "$CONTAINER_RUNTIME" pull "$VLLM_SIMULATOR_IMAGE"
  if [ "$CONTAINER_RUNTIME" = docker ]; then
    docker save "$VLLM_SIMULATOR_IMAGE" |
      docker exec --interactive "$CLUSTER_NAME-control-plane" ctr --namespace k8s.io images import -
  else
    local archive
    archive=$(mktemp)
    podman save --output "$archive" "$VLLM_SIMULATOR_IMAGE"
    kind load image-archive "$archive" --name "$CLUSTER_NAME"
    rm -f "$archive"
  fi
}

deploy() {
  # The names are for envsubst.
  # shellcheck disable=SC2016
  kubectl kustomize "$(dirname "$0")/../deploy" |
    envsubst '$MODEL_NAME $VLLM_SIMULATOR_IMAGE $HOST_PORT $HF_TOKEN' |
    kubectl apply --filename -
  # An image that was built anew under the same name is started anew.
  kubectl rollout restart deployment/vllm-sim
  kubectl rollout status --timeout=300s deployment/vllm-sim
}

require_values
find_runtime
require_tools kind
if [ "${1-}" = delete ]; then
  kind delete cluster --name "$CLUSTER_NAME"
  exit
fi
require_tools kubectl envsubst "$CONTAINER_RUNTIME"
create_cluster
load_image
deploy
cat <<HINTS

The server answers at localhost:$HOST_PORT:

  curl localhost:$HOST_PORT/v1/models
  curl localhost:$HOST_PORT/v1/chat/completions -d '{"model": "$MODEL_NAME", "messages": [{"role": "user", "content": "Hello!"}]}'

Its log:     kubectl --context kind-$CLUSTER_NAME logs --follow deployment/vllm-sim
The end:     $0 delete
HINTS
