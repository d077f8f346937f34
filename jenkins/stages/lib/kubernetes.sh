# shellcheck shell=bash
# Delivery to a cluster: stages are Jobs, made from the CronJobs of the overlay, and the service is
# its Deployment. Of the overlay only what a delivery changes is applied; accounts, network policies
# and the rest are an administrator's, and Jenkins has no right to change them.

OVERLAY=${DEPLOY_OVERLAY:-production}
NAMESPACE=classifier-$OVERLAY
DEPLOY_READY_WITHIN=${DEPLOY_READY_WITHIN:-600}
POLL=5 # seconds between two looks at a Job

case $OVERLAY in
  testing | production) ;;
  *) misused "DEPLOY_OVERLAY=$OVERLAY is no overlay: set it to testing or production" ;;
esac

# The one registry of the environment, and its images, which its stages use and this machine reads.
while read -r line; do
  case $line in
    REGISTRY_URL=* | REGISTRY_NAME=* | TRAIN_DATA=*) export "${line?}" ;;
    GATE_DATA=*) export SMOKE_DATA="${SMOKE_DATA:-${line#*=}}" ;;
  esac
done <"k8s/overlays/$OVERLAY/configuration.env"

k() {
  kubectl --namespace "$NAMESPACE" "$@"
}

build_images() {
  local service=${API_TARGET:-api} stage image digest=$DEPLOY_WORK/digest
  [ -n "${IMAGE_REGISTRY-}" ] || misused "set IMAGE_REGISTRY to where the images are pushed"
  case $service in
    api | api-slim) ;;
    *) misused "API_TARGET=$service is no image of the service: set it to api or api-slim" ;;
  esac
  local tag=${IMAGE_TAG:-$(git rev-parse --short=12 HEAD)}
  make image "TAG=$tag"
  mkdir -p "$DEPLOY_WORK/images"
  : >"$DEPLOY_WORK/images/release.env"
  for stage in "$service" training testing; do
    image=$IMAGE_REGISTRY/classifier-$stage
    podman push --digestfile "$digest" "localhost/classifier-$stage:$tag" "docker://$image:$tag"
    stage=${stage%-slim}
    echo "${stage^^}_IMAGE=$image@$(cat "$digest")" >>"$DEPLOY_WORK/images/release.env"
  done
}

# apply OVERLAY OBJECTS [NAME=VALUE...]: applies those of which `Kind/name` matches OBJECTS whole, with
# the images of this delivery and the values that are given.
apply() {
  local folder=$DEPLOY_WORK/overlay root
  mkdir -p "$folder"
  root=$(realpath --no-symlinks --relative-to="$folder" .)
  cat >"$folder/kustomization.yaml" <<-END
	apiVersion: kustomize.config.k8s.io/v1beta1
	kind: Kustomization
	namespace: $NAMESPACE
	resources: [$root/k8s/overlays/$1]
	components: [$root/k8s/components/release]
	configMapGenerator:
	  - name: release
	    behavior: merge
	    envs: [release.env]
	    options:
	      disableNameSuffixHash: true
	      annotations: {config.kubernetes.io/local-config: "true"}
	END
  {
    [ ! -f "$DEPLOY_WORK/images/release.env" ] || cat "$DEPLOY_WORK/images/release.env"
    printf '%s\n' "${@:3}"
  } >"$folder/release.env"
  kubectl kustomize "$folder" >"$folder/all.yaml"
  awk -v RS='---\n' -v ORS='---\n' -v objects="^($2)\$" '
    match($0, /(^|\n)kind: [A-Za-z]+/) {
      kind = substr($0, RSTART, RLENGTH); sub(/.* /, "", kind)
      match($0, /\n  name: [^\n]+/)
      name = substr($0, RSTART + 9, RLENGTH - 9)
      if (kind "/" name ~ objects) print
    }' "$folder/all.yaml" | k apply -f -
}

# follow JOB: waits for its end, prints its log, returns the exit code of its container.
follow() {
  local state="" code
  until [[ $state == *Complete* || $state == *Failed* ]]; do
    [ -z "$state" ] || sleep "$POLL"
    state=$(k get job "$1" --output 'jsonpath=is {.status.conditions[?(@.status=="True")].type}')
  done
  k logs "job/$1" || true
  [[ $state != *Complete* ]] || return 0
  # None, where the pod was evicted or out of time.
  code=$(k get pods --selector "job-name=$1" --output \
    'jsonpath={.items[-1:].status.containerStatuses[0].state.terminated.exitCode}')
  return "${code:-1}"
}

job_name() {
  echo "$1-$(date -u +%Y%m%d-%H%M%S)"
}

run_job() {
  local job
  job=$(job_name "$1")
  k create job "$job" --from="cronjob/$1"
  follow "$job"
}

run_training() {
  apply "$OVERLAY" '(ConfigMap|CronJob)/.*'
  run_job training
}

run_gate() {
  local code=0
  apply "$OVERLAY" '(ConfigMap|CronJob)/.*'
  run_job gate || code=$?
  "$PYTHON" -m jenkins.report "$(candidate)" "$1" || echo "there is no report to archive" >&2
  return "$code"
}

# What is in production is believed if the key that the service has says so.
read_registry() {
  k get configmap classifier-public-key --output 'jsonpath={.data.public\.pem}' \
    >"$DEPLOY_WORK/public.pem"
  REGISTRY_PUBLIC_KEY=$DEPLOY_WORK/public.pem "$PYTHON" -m registry "$@"
}

# The gate's account alone may change production, and alone has the key: it does so in a Job.
write_registry() {
  local job arguments
  job=$(job_name "$1")
  # Kubernetes would put variables into them, as $(NAME).
  arguments=$("$PYTHON" -c '
import json, sys
print(json.dumps([argument.replace("$", "$$") for argument in sys.argv[1:]]))' "$@")
  k create job "$job" --from="cronjob/$1" --dry-run=client --output yaml >"$DEPLOY_WORK/job.yaml"
  kubectl patch --local --filename "$DEPLOY_WORK/job.yaml" --type json --output yaml --patch \
    "[{\"op\": \"replace\", \"path\": \"/spec/template/spec/containers/0/args\", \"value\": $arguments}]" |
    k create -f -
  follow "$job"
}

# What the new version needs of the database is there before that starts; without the component
# `database` there is no such CronJob.
migrate() {
  [ -n "$(k get cronjob migrate --ignore-not-found --output name)" ] || return 0
  apply "$OVERLAY" '(ConfigMap|CronJob)/.*'
  run_job migrate
}

judge_canary() {
  migrate
  trap withdraw_canary EXIT
  # The Deployment of production is left as it is, although that overlay has it as well. Without
  # the policies GKE would ask the canary's `/`, which takes images, whether it is well.
  apply "$OVERLAY-canary" \
    'ConfigMap/.*|(Deployment|Service|HealthCheckPolicy|GCPBackendPolicy)/.*-canary|HTTPRoute/.*' \
    "CANDIDATE=$1"
  k rollout status deployment/classifier-canary --timeout "${DEPLOY_READY_WITHIN}s"
  run_job judge
}

withdraw_canary() {
  apply "$OVERLAY" 'HTTPRoute/.*'
  k delete deployment,service --selector app.kubernetes.io/component=canary
}

remember_service() {
  local revision
  revision=$(k get deployment classifier --ignore-not-found --output \
    'jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}')
  keep revision "$revision"
}

roll_out() {
  migrate
  apply "$OVERLAY" 'ConfigMap/.*|Deployment/classifier' "MODEL_VERSION=$1"
  k rollout status deployment/classifier --timeout "${DEPLOY_READY_WITHIN}s"
}

undo_roll_out() {
  local revision
  revision=$(kept revision)
  if [ -z "$revision" ]; then
    echo "there was no Deployment before this delivery, so it stays" >&2
    return 1
  fi
  k rollout undo deployment/classifier --to-revision "$revision"
  k rollout status deployment/classifier --timeout "${DEPLOY_READY_WITHIN}s"
}

smoke() {
  local port
  coproc { exec kubectl --namespace "$NAMESPACE" port-forward service/classifier :8000 2>&1; }
  # shellcheck disable=SC2064  # it is this process
  trap "kill $COPROC_PID" EXIT
  read -r port <&"${COPROC[0]}"
  port=${port#*127.0.0.1:}
  SMOKE_URL=http://127.0.0.1:${port%% *} "$PYTHON" -m jenkins.smoke
}
