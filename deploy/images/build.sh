#!/usr/bin/env bash
# build.sh STORE LAUNCHER_BINARY GUEST_DIR: makes the OCI layouts that DevCluster's nodes look into, one folder an image, without a
# container engine. Unchanged inputs are not built again.
set -euo pipefail
store=${1:?usage: build.sh STORE LAUNCHER_BINARY GUEST_DIR}; launcher=${2:?}; guest=${3:?}
registry=registry.troupe.local
mkdir -p "$store"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT

# image NAME CONFIG_JSON ROOT_DIR: one layer of all that is below ROOT_DIR.
image() {
  local name=$1 config=$2 root=$3 layout=$store/.new-$1
  rm -rf "$layout"; mkdir -p "$layout/blobs/sha256"
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$root" -cf "$work/layer.tar" .
  local layer; layer=$(blob "$layout" "$work/layer.tar")
  jq -cn --argjson config "$config" --arg diff "sha256:$layer" \
    '{architecture: "amd64", os: "linux", config: $config, rootfs: {type: "layers", diff_ids: [$diff]}}' >"$work/config.json"
  local configured; configured=$(blob "$layout" "$work/config.json")
  jq -cn --arg config "sha256:$configured" --argjson csize "$(stat -c %s "$work/config.json")" --arg layer "sha256:$layer" --argjson lsize "$(stat -c %s "$work/layer.tar")" \
    '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $config, size: $csize},
      layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar", digest: $layer, size: $lsize}]}' >"$work/manifest.json"
  local manifest; manifest=$(blob "$layout" "$work/manifest.json")
  jq -n --arg digest "sha256:$manifest" --argjson size "$(stat -c %s "$work/manifest.json")" --arg name "$registry/$name:latest" \
    '{schemaVersion: 2, manifests: [{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
      annotations: {"org.opencontainers.image.ref.name": $name}}]}' >"$layout/index.json"
  echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
  rm -rf "${store:?}/$name"; mv "$layout" "$store/$name"
  echo "image $registry/$name:latest"
}

# blob LAYOUT FILE: stores the file under its digest and prints that.
blob() {
  local digest; digest=$(sha256sum "$2" | cut -d' ' -f1)
  cp "$2" "$1/blobs/sha256/$digest"
  echo "$digest"
}

# unless_same NAME INPUT... : false (build it) when an input changed since the image was made.
unless_same() {
  local name=$1; shift
  local stamp; stamp=$(cat "$0" "$@" | sha256sum | cut -c1-32)
  [ -d "$store/$name" ] && [ "$(cat "$store/.$name.stamp" 2>/dev/null)" = "$stamp" ] && return
  echo "$stamp" >"$work/stamp"
  return 1
}

keep_stamp() { cp "$work/stamp" "$store/.$1.stamp"; }

if ! unless_same demo-guest-disk "$guest/disk.qcow2"; then
  mkdir -p "$work/disk/disk"; install -m 444 "$guest/disk.qcow2" "$work/disk/disk/disk.qcow2"
  image demo-guest-disk '{}' "$work/disk"; keep_stamp demo-guest-disk
fi

if ! unless_same demo-guest-kernel "$guest/vmlinuz" "$guest/initrd.gz"; then
  mkdir -p "$work/kernel/boot"; install -m 444 "$guest/vmlinuz" "$guest/initrd.gz" "$work/kernel/boot/"
  image demo-guest-kernel '{}' "$work/kernel"; keep_stamp demo-guest-kernel
fi

if ! unless_same virt-launcher "$launcher"; then
  root=$work/launcher
  mkdir -p "$root"/{dev,etc,proc,sys,run,tmp,root,usr/bin,var/lib,var/log,var/cache,var/tmp}
  chmod 1777 "$root/tmp" "$root/var/tmp"
  ln -s /run "$root/var/run"
  for link in bin sbin lib lib64; do [ -L "/$link" ] && ln -s "usr/$link" "$root/$link"; done
  install -m 755 "$launcher" "$root/usr/bin/virt-launcher"
  # libvirt looks these names up before it reads its configuration.
  { grep -vE '^libvirt-qemu:' /etc/passwd; echo 'libvirt-qemu:x:107:36::/var/lib/libvirt:/usr/sbin/nologin'; } >"$root/etc/passwd"
  { grep -vE '^(libvirt-qemu|kvm):' /etc/group; echo 'kvm:x:36:'; echo 'libvirt-qemu:x:64055:'; } >"$root/etc/group"
  # Host-backed: libvirt and QEMU are the host's own, seen through an overlay, instead of 300 MB in a layer.
  image virt-launcher '{"Entrypoint": ["/usr/bin/tini", "--", "/usr/bin/virt-launcher"], "Labels": {"dev.troupe.host-paths": "/usr,/etc"}}' "$root"
  keep_stamp virt-launcher
fi

if ! unless_same busybox /bin/busybox; then
  root=$work/busybox; mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp,run,var}
  install -m 755 /bin/busybox "$root/bin/busybox"
  for applet in $(/bin/busybox --list); do ln -sf busybox "$root/bin/$applet"; done
  rm -f "$root/bin/busybox.new"; install -m 755 /bin/busybox "$root/bin/busybox"
  image busybox '{"Cmd": ["/bin/sh"]}' "$root"; keep_stamp busybox
fi
