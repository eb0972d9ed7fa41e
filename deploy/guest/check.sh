#!/usr/bin/env bash
# check.sh OUTDIR [TEST...]: boots the guest that build.sh made in OUTDIR with plain QEMU (TCG) and checks what the
# README promises. Exits non-zero at the first broken promise, after showing the console. KEEP=1 keeps the scratch folder;
# TIMEOUT=SECONDS per awaited thing (default 120, for a busy machine).
# Debian packages needed: qemu-system-x86 qemu-utils socat jq curl genisoimage e2fsprogs
set -euo pipefail

out=$(cd "${1:?usage: check.sh OUTDIR [TEST...]}" && pwd)
shift
tests=("$@")
((${#tests[@]})) || tests=(disk kernel cdrom)
timeout=${TIMEOUT:-120}
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C # bytes, not characters
for tool in qemu-system-x86_64 qemu-img socat jq curl genisoimage; do
  command -v "$tool" >/dev/null || { echo "check.sh: $tool is not installed" >&2; exit 1; }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/troupe-guest-check.XXXXXX")
qemu=
pids=()
cleanup() {
  status=$?
  [[ -z $qemu ]] || kill -9 "$qemu" 2>/dev/null || true
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  if ((status != 0)) && [[ -f $work/console.log ]]; then
    echo "--- console (last lines) ---" >&2
    tail -n 30 "$work/console.log" >&2
  fi
  if [[ -n ${KEEP:-} ]]; then echo "kept $work" >&2; else rm -rf "$work"; fi
  exit $status
}
trap cleanup EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
ok() { printf '  ok  %s\n' "$*"; }

# ---- channels: a socket with a file of all that came out of it; `await` looks only at what is new --------------------
declare -A input mark
connect() { # connect NAME SOCKET
  until [[ -S $2 ]]; do kill -0 "$qemu" 2>/dev/null || fail "QEMU ended at start"; sleep 0.02; done
  mkfifo "$work/$1.in"
  : >"$work/$1.log"
  # The socket opens before QEMU has read its command line, so the fifo's writer may come later than the reader.
  socat UNIX-CONNECT:"$2" STDIO <"$work/$1.in" >"$work/$1.log" 2>/dev/null &
  pids+=($!)
  exec {fd}>"$work/$1.in"
  input[$1]=$fd
  mark[$1]=0
}
tell() { printf '%s' "$2" >&"${input[$1]}"; } # tell CHANNEL TEXT
await() { # await CHANNEL REGEX [DESCRIPTION]: all up to the match becomes old; group 1, or else the match, is in $found
  local deadline=$((SECONDS + timeout)) text before
  while :; do
    text=$(tail -c +$((mark[$1] + 1)) "$work/$1.log" | tr '\000' ' '; printf .) # the dot keeps a last newline
    if [[ ${text%.} =~ $2 ]]; then
      found=${BASH_REMATCH[1]:-${BASH_REMATCH[0]}}
      before=${text%%"${BASH_REMATCH[0]}"*}
      mark[$1]=$((mark[$1] + ${#before} + ${#BASH_REMATCH[0]}))
      return 0
    fi
    ((SECONDS < deadline)) || fail "${3:-$1: no '$2'} in $timeout s"
    if [[ $1 == console ]] && ! kill -0 "$qemu" 2>/dev/null; then fail "QEMU ended while waiting for ${3:-$2}"; fi
    sleep 0.1
  done
}
run() { # run COMMAND REGEX: on the console's shell. The echo of the command cannot match: $? is not expanded in it.
  tell console "$1; echo \"<\$?>\""$'\n'
  await console "$2[^<]*<0>" "'$2' from '$1'"
}
agent() { # agent COMMAND [ARGUMENTS]: the reply is in $reply
  tell agent "$(jq -nc --arg c "$1" --argjson a "${2:-null}" '{execute:$c} + (if $a then {arguments:$a} else {} end)')"$'\n'
  await agent $'(\\{[^\n]*\\})\n' "guest agent's answer to $1"
  reply=$found
  jq -e 'has("return")' <<<"$reply" >/dev/null || fail "guest agent: $1: $reply"
}
agent_ready() { # commands written before the agent runs wait in the channel, so one is enough
  tell agent '{"execute":"guest-sync","arguments":{"id":4711}}'$'\n'
  await agent '4711' "guest agent"
}
qmp() { tell qmp "$1"$'\n'; }

boot() { # boot NAME QEMU-ARGUMENTS...
  rm -f "$work"/*.{sock,in,log}
  echo "$1:"
  shift
  began=$EPOCHREALTIME
  qemu-system-x86_64 -accel tcg,tb-size=32 -machine q35 -cpu qemu64 -m "${MEMORY:-128}" -nodefaults -no-user-config -display none \
    -chardev socket,id=console,path="$work/console.sock",server=on,wait=off -serial chardev:console \
    -chardev socket,id=qmp,path="$work/qmp.sock",server=on,wait=off -mon chardev=qmp,mode=control \
    -device virtio-serial-pci -chardev socket,id=agent,path="$work/agent.sock",server=on,wait=off \
    -device virtserialport,chardev=agent,name=org.qemu.guest_agent.0 \
    -netdev user,id=net,hostfwd=tcp:127.0.0.1:0-:80,hostfwd=tcp:127.0.0.1:0-:22 -device virtio-net-pci,netdev=net,romfile= \
    -object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng "$@" 2>"$work/qemu.log" &
  qemu=$!
  connect console "$work/console.sock"
  connect qmp "$work/qmp.sock"
  connect agent "$work/agent.sock"
  qmp '{"execute":"qmp_capabilities"}'
  await console ' login: ' "login prompt"
  ok "login prompt after $(awk "BEGIN { printf \"%.2f\", $EPOCHREALTIME - $began }") s, load $(cut -d' ' -f1 /proc/loadavg), QEMU $(awk '/VmRSS/ { printf "%d", $2 / 1024 }' "/proc/$qemu/status") MiB"
}
login() { # login USER PASSWORD
  tell console "$1"$'\n'
  await console 'assword: ' "password prompt"
  tell console "$2"$'\n'
  await console "$1@[^ ]*[\$#] " "shell of $1"
  ok "login as $1"
}
forwarded() { # forwarded GUEST-PORT -> host port in $port
  qmp '{"execute":"human-monitor-command","arguments":{"command-line":"info usernet"}}'
  await qmp $'"return": "([^\n]*)"' "info usernet"
  port=$(printf '%b' "$found" | tr -d '\r' | awk -v guest="$1" '/HOST_FORWARD/ && $6 == guest { print $4 }')
  [[ -n $port ]] || fail "no forwarded port in: $found"
}
ended() { # ended WHAT: QEMU went away because the guest powered off
  await qmp '"guest-(shutdown)"' "$1: SHUTDOWN event"
  local deadline=$((SECONDS + timeout))
  while kill -0 "$qemu" 2>/dev/null; do ((SECONDS < deadline)) || fail "$1: QEMU still runs"; sleep 0.05; done
  wait "$qemu" || fail "$1: QEMU's exit code: $(<"$work/qemu.log")"
  qemu=
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  pids=()
  ok "$1 ends the guest cleanly"
}
cidata() { # cidata FILE: an ISO from $work/seed
  genisoimage -quiet -output "$1" -volid cidata -joliet -rock "$work/seed"/*
}

# ---- the tests -----------------------------------------------------------------------------------------------------
kernel_arguments='console=ttyS0 quiet panic=1 no_timer_check tsc=reliable cryptomgr.notests nokaslr'

test_disk() {
  mkdir -p "$work/seed"
  rm -f "$work/seed"/*
  printf '{"instance-id":"check.default","local-hostname":"from-meta-data"}\n' >"$work/seed/meta-data"
  cat >"$work/seed/user-data" <<'CONFIG'
#cloud-config
hostname: check-vm          # wins over meta-data
password: "s3cret: yes"
chpasswd: { expire: False }
ssh_authorized_keys:
  - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1vY2tLZXlGb3JUZXN0c09ubHkwMDAwMDAwMDAwMDAwMDAw check@test
runcmd:
  - echo one >/run/cloud/one
  - [ sh, -c, 'echo "two, $0" >/run/cloud/two', "it's" ]
  - |
    for i in 1 2 3; do
      echo "three $i" >>/run/cloud/three
    done
  - - touch
    - /run/cloud/four and more
packages: [nginx]
CONFIG
  cidata "$work/seed.iso"
  qemu-img create -q -f qcow2 -b "$out/disk.qcow2" -F qcow2 "$work/disk.qcow2"
  boot "disk boot (SeaBIOS, syslinux) with cloud-init" \
    -drive if=none,id=disk,file="$work/disk.qcow2" -device virtio-blk-pci,drive=disk,bootindex=1 \
    -drive if=none,id=seed,file="$work/seed.iso",format=raw,readonly=on -device virtio-blk-pci,drive=seed
  await console 'cloud-init: finished, exit code 0' "runcmd"
  tell console $'\n'
  await console 'check-vm login: ' "host name of user-data in the prompt"
  login demo 's3cret: yes'
  run 'ping -c 1 -W 10 10.0.2.2' ' 0% packet loss'
  ok "pings its gateway"
  run 'cat /run/cloud/one /run/cloud/two /run/cloud/three; ls /run/cloud' "one.*two, it's.*three 3.*four and more"
  ok "cloud-init: hostname, password, runcmd in its four forms"
  run 'cat ~/.ssh/authorized_keys' 'check@test'
  run 'echo kept >/mnt/state/kept; grep state /proc/mounts' ' ext4 '
  ok "the state partition is mounted"

  agent_ready
  agent guest-ping
  agent guest-get-osinfo
  [[ $(jq -r '.return | .name + "/" + .id' <<<"$reply") == "Troupe demo guest/troupe-demo" ]] || fail "osinfo: $reply"
  agent guest-exec '{"path":"/bin/hostname","capture-output":true}'
  local pid status deadline=$((SECONDS + timeout))
  pid=$(jq .return.pid <<<"$reply")
  while agent guest-exec-status "{\"pid\":$pid}"; status=$reply; [[ $(jq .return.exited <<<"$status") != true ]]; do
    ((SECONDS < deadline)) || fail "guest-exec does not end"
    sleep 0.05
  done
  [[ $(jq -r '.return["out-data"] | @base64d' <<<"$status") == check-vm ]] || fail "guest-exec: $status"
  agent guest-fsfreeze-freeze
  [[ $(jq .return <<<"$reply") == 1 ]] || fail "fsfreeze: $reply"
  agent guest-fsfreeze-thaw
  agent guest-network-get-interfaces
  jq -e '[.return[]["ip-addresses"][]?["ip-address"]] | index("10.0.2.15")' <<<"$reply" >/dev/null || fail "interfaces: $reply"
  agent guest-set-user-password "{\"username\":\"root\",\"password\":\"$(printf 'agent-set' | base64)\",\"crypted\":false}"
  ok "guest agent: ping, osinfo, exec, fsfreeze, interfaces, password"

  forwarded 80
  curl -sf --max-time "$timeout" "http://127.0.0.1:$port/" | grep -q '<h1>check-vm</h1>' || fail "HTTP /"
  curl -sf --max-time "$timeout" "http://127.0.0.1:$port/cgi-bin/dirty?16:20" | grep -q 'DIRTY 16 MiB' || fail "HTTP dirty"
  local http deadline2=$((SECONDS + timeout))
  while :; do
    http=$(curl -sf --max-time "$timeout" "http://127.0.0.1:$port/cgi-bin/status")
    jq -e '.dirty.actualMiBps > 0 and .dirty.passes > 0' <<<"$http" >/dev/null && break
    ((SECONDS < deadline2)) || fail "dirty does not get going: $http"
    sleep 0.2
  done
  jq -e '.hostname == "check-vm" and .addresses.eth0 == "10.0.2.15/24" and (.bootId | length) == 36' <<<"$http" >/dev/null || fail "status: $http"
  ok "HTTP: index, status, dirty ($(jq -r '"\(.dirty.actualMiBps) of \(.dirty.rateMiBps) MiB/s"' <<<"$http"))"
  curl -s --max-time "$timeout" -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/cgi-bin/dirty?9999:1" | grep -q 400 || fail "an impossible dirty is not refused"
  run 'heartbeat 20 & sleep 1; kill $!' 'HEARTBEAT 5 '
  forwarded 22
  [[ $(socat -T "$timeout" -u TCP:127.0.0.1:"$port" STDOUT 2>/dev/null | head -c 8) == SSH-2.0- ]] || fail "no SSH server"
  ok "heartbeat, ssh server"

  qmp '{"execute":"system_powerdown"}'
  ended "the ACPI power button"
  qemu-img convert -O raw "$work/disk.qcow2" "$work/after.raw"
  dumpe2fs -h "$work/after.raw?offset=$((67584 * 512))" 2>/dev/null | grep -q 'Filesystem state: *clean' || fail "the state partition was not unmounted"
  ok "the state partition is clean"
}

test_kernel() {
  truncate -s 64M "$work/blank.raw"
  boot "kernel boot with a blank disk" -kernel "$out/vmlinuz" -initrd "$out/initrd.gz" \
    -append "$kernel_arguments troupe.dirty=8:5 troupe.hostname=by-kernel-arg" \
    -drive if=none,id=blank,file="$work/blank.raw",format=raw -device virtio-blk-pci,drive=blank
  await console 'DIRTY 8 MiB at 5 MiB/s' "troupe.dirty"
  ok "troupe.dirty on the kernel command line"
  login root demo
  run 'hostname' 'by-kernel-arg'
  run 'mke2fs -L data /dev/vda >/dev/null && mount /dev/vda /mnt && echo x >/mnt/x && df /mnt' '/dev/vda'
  ok "formats and mounts a blank disk"
  agent_ready
  tell agent '{"execute":"guest-shutdown"}'$'\n' # answers by shutting down
  ended "guest-shutdown"
}

test_cdrom() {
  mkdir -p "$work/seed"
  rm -f "$work/seed"/*
  printf 'instance-id: check\nlocal-hostname: from-yaml\n' >"$work/seed/meta-data"
  printf '#!/bin/sh\necho "script says $(hostname)"\n' >"$work/seed/user-data"
  cidata "$work/seed.iso"
  boot "kernel boot with a SCSI CD-ROM and a #! script" -kernel "$out/vmlinuz" -initrd "$out/initrd.gz" -append "$kernel_arguments" \
    -device virtio-scsi-pci -drive if=none,id=seed,file="$work/seed.iso",format=raw,media=cdrom,readonly=on -device scsi-cd,drive=seed
  await console 'script says from-yaml' "user-data script"
  ok "user-data script from the CD-ROM"
  tell console $'\n'
  await console 'from-yaml login: ' "login prompt"
  login demo demo
  tell console $'poweroff\n'
  await console 'only root may' "refusal for a plain user"
  run 'dirty 8 5' 'DIRTY 8 MiB'
  run 'dirty off; dirty status' 'off'
  tell console $'su -c reboot\n'
  await console 'assword: ' "su's password prompt"
  tell console $'demo\n'
  await console ' login: ' "login prompt after reboot"
  ok "reboot"
  login root demo
  tell console $'poweroff\n'
  ended "poweroff"
}

for test in "${tests[@]}"; do "test_$test"; done
echo "all checks passed"
