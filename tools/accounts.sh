#!/usr/bin/env bash
# accounts.sh ADMIN_KUBECONFIG FOLDER: gives Troupe's parts their accounts in the cluster (deploy/accounts.yaml) and writes a kubeconfig for
# each of them into FOLDER: kubevirt-controller.kubeconfig and kubevirt-handler.kubeconfig. Run again, it renews both.
set -euo pipefail
admin=${1:?usage: accounts.sh ADMIN_KUBECONFIG FOLDER}; folder=${2:?}
here=$(dirname "$(readlink -f "$0")")
days=365 # Renewed with each start of the cluster.

kubectl --kubeconfig "$admin" apply -f "$here/../deploy/accounts.yaml" >/dev/null
umask 077
mkdir -p "$folder"
for account in kubevirt-controller kubevirt-handler; do
  token=$(printf '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"audiences":[],"expirationSeconds":%d}}' $((days * 24 * 3600)) |
    kubectl --kubeconfig "$admin" create --raw "/api/v1/namespaces/kubevirt/serviceaccounts/$account/token" -f - | jq -re .status.token)
  # The token goes by a variable of the environment: arguments can be read by everybody on the machine.
  kubectl --kubeconfig "$admin" config view --raw -o json | TOKEN=$token jq --arg name "$account" \
    '.users = [{name: $name, user: {token: env.TOKEN}}] | .contexts[].context.user = $name' >"$folder/.$account.new"
  mv "$folder/.$account.new" "$folder/$account.kubeconfig"
done
