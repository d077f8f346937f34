# shellcheck shell=bash
# Delivery to this machine: stages are processes, the service runs in the background.

SERVICE=$DEPLOY_WORK/service
DEPLOY_READY_WITHIN=${DEPLOY_READY_WITHIN:-120}
export SERVE_PORT=${SERVE_PORT:-8000}
SERVICE_URL=http://127.0.0.1:$SERVE_PORT

build_images() {
  echo "nothing to build: the stages and the service run from this checkout"
}

run_training() {
  "$PYTHON" -m training
}

run_gate() {
  GATE_PROMOTE=false GATE_REPORTS=$1 "$PYTHON" -m testing
}

read_registry() {
  "$PYTHON" -m registry "$@"
}

write_registry() {
  "$PYTHON" -m registry "$@"
}

judge_canary() {
  misused "a canary needs DEPLOY=kubernetes: on one machine nobody divides the traffic"
}

# What the service was last started with is what rolling back starts again.
roll_out() {
  mkdir -p "$SERVICE"
  rm -f "$SERVICE/environment.before"
  [ ! -f "$SERVICE/environment" ] || cp "$SERVICE/environment" "$SERVICE/environment.before"
  MODEL_VERSION=$1 env | grep -E '^(SERVE|MODEL)_[A-Z_]+=' >"$SERVICE/environment"
  stop_service
  start_service
}

undo_roll_out() {
  stop_service
  if [ ! -f "$SERVICE/environment.before" ]; then
    rm -f "$SERVICE/environment"
    echo "nothing was served before this delivery: the service is stopped"
    return
  fi
  mv "$SERVICE/environment.before" "$SERVICE/environment"
  start_service
}

smoke() {
  SMOKE_URL=$SERVICE_URL "$PYTHON" -m jenkins.smoke
}

start_service() {
  local variables name
  mapfile -t variables <"$SERVICE/environment"
  (
    for name in $(compgen -e | grep -E '^(SERVE|MODEL)_'); do
      unset "$name"
    done
    export "${variables[@]}"
    exec setsid "$PYTHON" -m api </dev/null >>"$SERVICE/log" 2>&1
  ) &
  echo $! >"$SERVICE/pid"
  "$PYTHON" -m jenkins.ready "$SERVICE_URL" --pid $! --within "$DEPLOY_READY_WITHIN" || {
    tail -n 20 "$SERVICE/log" >&2
    return 1
  }
}

stop_service() {
  local pid
  pid=$(cat "$SERVICE/pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || true
  # It finishes the requests in flight first.
  timeout 60 tail --pid="$pid" -f /dev/null || kill -KILL "$pid" 2>/dev/null || true
  rm -f "$SERVICE/pid"
}
