# ./dev up, down, status: the embedded cluster with Troupe on it, as background processes. Sourced.

RUN=$DEV/run          # pid files of the supervisors
LOGS=$DEV/logs
STATE=$DEV/state
API_PORT=${TROUPE_API_PORT:-6443}
AKKA_PORT=${TROUPE_AKKA_PORT:-4053}
SUBRESOURCE_PORT=${TROUPE_SUBRESOURCE_PORT:-4443}

up() {
  local nodes='' reset=
  while [ $# -gt 0 ]; do
    case $1 in
      --nodes) nodes=${2:?--nodes needs a number}; shift 2 ;;
      --nodes=*) nodes=${1#*=}; shift ;;
      --reset) reset=1; shift ;;
      *) die "up: unknown option '$1'" ;;
    esac
  done
  [ -z "$nodes" ] || [[ $nodes =~ ^[1-9][0-9]?$ ]] || die "--nodes takes a number from 1 to 99, got '$nodes'"
  ensure_packages "${RUNTIME_PACKAGES[@]}" "${BUILD_PACKAGES[@]}"
  [ "$(id -u)" = 0 ] || die "the embedded cluster makes network namespaces and cgroups: run ./dev up as root"

  if [ -n "$reset" ]; then down; rm -rf "$STATE" "$DEV/kubeconfig"; fi
  if running devcluster && running controlplane; then
    if [ -z "$nodes" ] || [ "$nodes" = "$(cat "$STATE/nodes")" ]; then
      say "already up"; next_steps; return
    fi
    die "already up with $(cat "$STATE/nodes") nodes; ./dev down first"
  fi
  nodes=${nodes:-$(cat "$STATE/nodes" 2>/dev/null || echo 2)}
  build_product
  mkdir -p "$RUN" "$LOGS" "$STATE"
  chmod 700 "$DEV/state"
  echo "$nodes" >"$STATE/nodes"

  running devcluster || require_port "$API_PORT" TROUPE_API_PORT
  running controlplane || { require_port "$AKKA_PORT" TROUPE_AKKA_PORT; require_port "$SUBRESOURCE_PORT" TROUPE_SUBRESOURCE_PORT; }
  say "starting the embedded cluster with $nodes nodes"
  start devcluster env "${DEVCLUSTER_ENV[@]}" "$(devcluster_bin)" serve --state "$STATE/devcluster" --port "$API_PORT" --kubeconfig "$DEV/kubeconfig" \
    --nodes "$nodes" --image-store "$DEV/images"
  wait_for "the API server" 60 kubectl_ok get --raw /readyz
  tools/accounts.sh "$DEV/kubeconfig" "$STATE/accounts"

  say "starting the control plane and $nodes node agents"
  start controlplane "$DEV/bin/controlplane/Troupe.ControlPlane" --kubeconfig "$STATE/accounts/kubevirt-controller.kubeconfig" --state "$STATE/controlplane" \
    --service-namespace kubevirt --akka-port "$AKKA_PORT" --api-port "$SUBRESOURCE_PORT" --launcher-image registry.troupe.local/virt-launcher:latest
  local i
  for i in $(seq "$nodes"); do
    start "nodeactors-node-$i" "$DEV/bin/nodeactors/Troupe.NodeActors" --node "node-$i" --kubeconfig "$STATE/accounts/kubevirt-handler.kubeconfig" \
      --kubelet-root "$STATE/devcluster/kubelet/node-$i" --contact-points "akka.tcp://troupe@127.0.0.1:$AKKA_PORT" \
      --launcher "$DEV/bin/launcher/virt-launcher" --state "$STATE/nodeactors/node-$i"
  done
  wait_for "the VirtualMachineInstance API" 60 kubectl_ok get vmi -A
  wait_for "the console API" 60 apiservice_available
  wait_for "$nodes schedulable nodes" 90 nodes_schedulable "$nodes"
  next_steps
}

next_steps() {
  cat <<EOF

Troupe is up. Next:
  export KUBECONFIG=$DEV/kubeconfig
  kubectl apply -f deploy/examples/vmi-demo.yaml
  kubectl get vmi -w
  ./dev console demo          # login: demo, password: demo; leave with Ctrl+]
  kubectl delete vmi demo
Logs: .dev/logs   State: .dev/state   Stop: ./dev down
EOF
}

down() {
  local pidfile name
  [ -d "$DEV" ] || { say "nothing is up"; return; }
  # Agents and control plane first, so that nobody reacts to the guests' end.
  for pidfile in "$RUN"/nodeactors-*.pid "$RUN"/controlplane.pid "$RUN"/devcluster.pid; do
    [ -e "$pidfile" ] || continue
    name=$(basename "$pidfile" .pid)
    say "stopping $name"
    stop_supervised "$pidfile"
  done
  if [ -x "$(devcluster_bin)" ] && [ -d "$STATE/devcluster" ]; then
    "$(devcluster_bin)" teardown --state "$STATE/devcluster" >>"$LOGS/teardown.log" 2>&1 || die "teardown failed; see .dev/logs/teardown.log"
  fi
}

status() {
  local pidfile name
  for pidfile in "$RUN"/*.pid; do
    [ -e "$pidfile" ] || { echo "nothing is up (./dev up)"; return; }
    name=$(basename "$pidfile" .pid)
    if running "$name"; then
      ps -o pid=,rss=,etime= --ppid "$(cat "$pidfile")" | awk -v n="$name" '{printf "%-20s pid %-8s rss %4d MiB  up %s\n", n, $1, $2/1024, $3}'
    else
      printf '%-20s not running\n' "$name"
    fi
  done
  if running devcluster; then
    echo "API server           https://127.0.0.1:$API_PORT   kubeconfig .dev/kubeconfig"
    kubectl --kubeconfig "$DEV/kubeconfig" get nodes,vmi -A -o wide
  fi
}

# start NAME CMD...: runs CMD under a supervisor that restarts it when it dies, as systemd or kubelet would.
start() {
  local name=$1; shift
  running "$name" && return
  setsid "$ROOT/tools/supervise.sh" "$RUN/$name.pid" "$@" >>"$LOGS/$name.log" 2>&1 </dev/null &
  local waited=0
  until [ -s "$RUN/$name.pid" ]; do sleep 0.05; waited=$((waited + 1)); [ $waited -lt 100 ] || die "$name did not start; see .dev/logs/$name.log"; done
}

running() { [ -e "$RUN/$1.pid" ] && kill -0 "$(cat "$RUN/$1.pid")" 2>/dev/null; }

stop_supervised() {
  local pid; pid=$(cat "$1")
  kill -TERM "$pid" 2>/dev/null || true
  local i
  for i in $(seq 300); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  if kill -0 "$pid" 2>/dev/null; then kill -KILL -- "-$pid" 2>/dev/null || true; fi
  rm -f "$1"
}

# require_port PORT VARIABLE: what cannot listen would be started again and again until the wait for it is over.
require_port() {
  ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null || die "port $1 is taken by another process; choose a free one with $2=PORT"
}

kubectl_ok() { kubectl --kubeconfig "$DEV/kubeconfig" --request-timeout=5s "$@" >/dev/null 2>&1; }
apiservice_available() {
  kubectl --kubeconfig "$DEV/kubeconfig" get apiservice v1.subresources.kubevirt.io \
    -o 'jsonpath={.status.conditions[?(@.type=="Available")].status}' 2>/dev/null | grep -qx True
}
nodes_schedulable() {
  [ "$(kubectl --kubeconfig "$DEV/kubeconfig" get nodes -l kubevirt.io/schedulable=true -o name 2>/dev/null | wc -l)" -ge "$1" ]
}

# wait_for WHAT SECONDS CMD...
wait_for() {
  local what=$1 seconds=$2; shift 2
  printf '    waiting for %s ' "$what"
  local deadline=$((SECONDS + seconds))
  until "$@"; do
    [ $SECONDS -lt $deadline ] || { echo; die "$what did not come up in $seconds s; see .dev/logs/"; }
    printf .; sleep 0.2
  done
  echo ' ready'
}
