#!/usr/bin/env bash
# supervise.sh PIDFILE CMD...: runs CMD and starts it again when it dies; SIGTERM ends both.
pidfile=$1; shift
echo $$ >"$pidfile"
child=
trap 'stopping=1; [ -n "$child" ] && kill -TERM "$child" 2>/dev/null' TERM INT
stopping=
while :; do
  "$@" & child=$!
  started=$SECONDS
  # A trapped signal ends `wait` early: wait again until the child is really gone.
  while wait "$child"; code=$?; kill -0 "$child" 2>/dev/null; do :; done
  [ -n "$stopping" ] && exit 0
  echo "supervise: $1 ended with code $code; starting it again"
  # A process that dies at once is not hammered.
  [ $((SECONDS - started)) -lt 2 ] && sleep 1
  [ -n "$stopping" ] && exit 0
done
