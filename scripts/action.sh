#!/usr/bin/env bash
# The work of action.yml: starts the server with ARGS, waits up to TIMEOUT seconds until it is ready, and tells later steps its
# address. With RUN it runs that and ends the server. Prints the server's log when something fails.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
# The project's own Node first.
PATH=$root/node_modules/.bin:$PATH
folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/vllm-sim-XXXXXX")
log=$folder/server.log
server=

fail() {
  echo "::error::$1"
  echo "::group::The log of vllm-sim"
  cat "$log"
  echo "::endgroup::"
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  exit 1
}

# Words as in a shell, without running anything.
args=()
while IFS= read -r word; do args+=("$word"); done < <(xargs -n 1 printf '%s\n' <<<"${ARGS:-}")
scheme=http
case " ${args[*]-} " in *" --self-signed-certs "* | *" --ssl-certfile"*) scheme=https ;; esac

nohup node "$root/scripts/start.cjs" --port 0 --port-file "$folder/port" ${args[@]+"${args[@]}"} >"$log" 2>&1 </dev/null &
server=$!

url=
end=$((SECONDS + ${TIMEOUT:-60}))
until [ -n "$url" ] && curl --fail --silent --insecure --output "$folder/ready" "$url/health/ready"; do
  kill -0 "$server" 2>/dev/null || fail 'vllm-sim did not start'
  [ "$SECONDS" -lt "$end" ] || fail "vllm-sim was not ready within ${TIMEOUT:-60} s"
  sleep 0.1
  # Ranks have a port each, the first one first.
  if [ -s "$folder/port" ]; then url=$scheme://127.0.0.1:$(head -n 1 "$folder/port"); fi
done

echo "vllm-sim is ready at $url"
export VLLM_SIM_URL=$url
echo "VLLM_SIM_URL=$url" >>"${GITHUB_ENV:-/dev/null}"
printf 'url=%s\nlog=%s\n' "$url" "$log" >>"${GITHUB_OUTPUT:-/dev/null}"

if [ -n "${RUN:-}" ]; then
  bash -eo pipefail -c "$RUN" || fail "the commands failed with exit status $?"
  kill "$server"
  wait "$server" || true
fi
