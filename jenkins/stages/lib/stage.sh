# shellcheck shell=bash
# What every stage begins with. It is sourced, and runs in the repository's root.

case ${1-} in
  '') ;;
  -h | --help)
    sed -n '2,/^[^#]/ s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  *)
    echo "${0##*/}: takes no arguments; --help says which variables it reads" >&2
    exit 2
    ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit

DEPLOY=${DEPLOY:-local}
DEPLOY_WORK=${DEPLOY_WORK:-var/delivery}
if [ -z "${PYTHON:-}" ]; then
  PYTHON=python3
  [ ! -x .venv/bin/python ] || PYTHON=.venv/bin/python
fi
mkdir -p "$DEPLOY_WORK"

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

misused() {
  echo "${0##*/}: $*" >&2
  exit 2
}

# What one stage leaves for the next is a file of one line.
keep() {
  printf '%s\n' "$2" >"$DEPLOY_WORK/$1.new"
  mv "$DEPLOY_WORK/$1.new" "$DEPLOY_WORK/$1"
}

kept() {
  [ ! -f "$DEPLOY_WORK/$1" ] || cat "$DEPLOY_WORK/$1"
}

# The version that this delivery is about.
candidate() {
  local version
  version=$(kept version)
  [[ $version =~ ^[0-9a-f]{64}$ ]] ||
    misused "$DEPLOY_WORK/version names no candidate: run jenkins/stages/gate first"
  echo "$version"
}

# The version in a stage of the registry, or nothing.
version_in() {
  local shown
  shown=$(read_registry show "$1" --json) || return
  "$PYTHON" -c '
import json, sys
state = json.load(sys.stdin)["state"]
print(state["record"]["version"] if state else "")' <<<"$shown"
}

# Each target says in its own file how a stage is run, rolled out and undone there.
case $DEPLOY in
  local | kubernetes)
    # shellcheck source=/dev/null
    . "jenkins/stages/lib/$DEPLOY.sh"
    ;;
  *) misused "DEPLOY=$DEPLOY is no target: set it to local or kubernetes" ;;
esac
