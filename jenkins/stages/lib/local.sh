# shellcheck shell=bash
# Delivery to this machine: stages are processes, the service runs in the background.

SERVICE=$DEPLOY_WORK/service
DEPLOY_READY_WITHIN=${DEPLOY_READY_WITHIN:-120}
export SERVE_PORT=${SERVE_PORT:-8000}

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
remember_service() {
  rm -f "$SERVICE/environment.before"
  [ ! -f "$SERVICE/environment" ] || cp "$SERVICE/environment" "$SERVICE/environment.before"
}

# Values may have several lines, so zeros stand between the variables.
roll_out() {
  mkdir -p "$SERVICE"
  MODEL_VERSION=$1 env --null | grep -zE '^(SERVE|MODEL)_[A-Z_]+=' >"$SERVICE/environment"
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
  cp "$SERVICE/environment.before" "$SERVICE/environment"
  start_service
}

smoke() {
  SMOKE_URL=http://127.0.0.1:$SERVE_PORT "$PYTHON" -m jenkins.smoke
}

# The service holds a lock on the file with its number for as long as it lives.
start_service() {
  local variables name each port
  mapfile -d '' -t variables <"$SERVICE/environment"
  for each in "${variables[@]}"; do
    [[ $each != SERVE_PORT=* ]] || port=${each#*=}
  done
  # Who else listens there would be taken for it.
  if (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    echo "another program listens on port $port: end it, or set SERVE_PORT" >&2
    return 1
  fi
  (
    exec 9>>"$SERVICE/pid"
    flock --nonblock 9
    echo "$BASHPID" >"$SERVICE/pid"
    for name in $(compgen -e | grep -E '^(SERVE|MODEL)_'); do
      unset "$name"
    done
    export "${variables[@]}"
    exec setsid "$PYTHON" -m api </dev/null >>"$SERVICE/log" 2>&1
  ) &
  "$PYTHON" -m jenkins.ready "http://127.0.0.1:$port" --pid $! --within "$DEPLOY_READY_WITHIN" || {
    tail -n 20 "$SERVICE/log" >&2
    return 1
  }
}

# A number that nobody holds is of a service that has ended, and may be another program's by now.
stop_service() {
  local pid
  [ -f "$SERVICE/pid" ] || return 0
  if ! flock --nonblock "$SERVICE/pid" true; then
    pid=$(cat "$SERVICE/pid")
    kill "$pid"
    # It finishes the requests in flight first.
    flock --timeout 60 "$SERVICE/pid" true || kill -KILL "$pid"
  fi
  rm "$SERVICE/pid"
}
