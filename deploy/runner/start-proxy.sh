#!/bin/sh
# Starts a proxy runner: registers it once, says to the server that it is there, and runs it.
#
# PROXY_HOME           directory that is mounted under the same path as on the engine's machine; the runner lives there
# GITHUB_URL           repository or organisation, e.g. https://github.com/acme/shop
# REGISTRATION_FILE    file with GitHub's registration token; needed at the first start alone
# PROXY_NAME           default: the host name
# PROXY_LABELS         labels for `runs-on`, with commas; default: slipway-proxy
# SLIPWAY_URL, SLIPWAY_TOKEN_FILE, SLIPWAY_LABELS    as the hooks need them
set -eu
: "${PROXY_HOME:?}" "${GITHUB_URL:?}" "${SLIPWAY_URL:?}" "${SLIPWAY_TOKEN_FILE:?}"
name=${PROXY_NAME:-$(hostname)}
source=${RUNNER_SOURCE:-/home/runner}

case $SLIPWAY_TOKEN_FILE in
  "$PROXY_HOME"/*) echo "SLIPWAY_TOKEN_FILE must not be below PROXY_HOME, which jobs see parts of" >&2; exit 1 ;;
esac
[ -x "$PROXY_HOME/run.sh" ] || cp -a "$source/." "$PROXY_HOME/"
cd "$PROXY_HOME"

if [ ! -f .runner ]; then
  : "${REGISTRATION_FILE:?}"
  # By the environment: arguments can be read by everybody on the machine.
  ACTIONS_RUNNER_INPUT_TOKEN=$(cat "$REGISTRATION_FILE") ./config.sh --unattended --replace \
    --url "$GITHUB_URL" --name "$name" --labels "${PROXY_LABELS:-slipway-proxy}" --work _work
fi

# Of a repository's runner its repository is told: a token that sees no other may say that.
place=${GITHUB_URL#*://}
place=${place#*/}
case ${place%/} in
  */*) body="{\"repository\":\"${place%/}\"}" ;;
  *) body='{}' ;;
esac

beat() {
  while kill -0 $$ 2>/dev/null; do
    printf 'header = "authorization: Bearer %s"\n' "$(cat "$SLIPWAY_TOKEN_FILE")" |
      curl -sS -o /dev/null --max-time 10 -K - -X PUT \
        -H 'content-type: application/json' -d "$body" "${SLIPWAY_URL%/}/api/runners/$name" || true
    sleep 30
  done
}
beat &

# Has the runner's own script hand on that it is to end, so that it tells GitHub.
export RUNNER_MANUALLY_TRAP_SIG=1
exec ./run.sh
