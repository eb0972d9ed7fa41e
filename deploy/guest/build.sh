#!/usr/bin/env bash
# build.sh OUTDIR: builds the demo guest from Debian packages into
#   OUTDIR/vmlinuz, initrd.gz    for direct kernel boot (kernelBoot)
#   OUTDIR/disk.raw, disk.qcow2  the same as a disk that a PC BIOS boots
# Needs no root, no loop mount and no network but apt's (the packages are kept in OUTDIR/debs).
# Debian packages needed: gcc libc6-dev busybox-static kmod cpio mtools dosfstools syslinux e2fsprogs qemu-utils
# and an apt that knows the archive (apt-get update).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:?usage: build.sh OUTDIR}
mkdir -p "$out"
out=$(cd "$out" && pwd)

inputs=$(cd "$here" && find build.sh src rootfs -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
if [[ -f $out/stamp && $(<"$out/stamp") == "$inputs" && -f $out/vmlinuz && -f $out/initrd.gz && -f $out/disk.raw && -f $out/disk.qcow2 ]]; then
  exit 0
fi

export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C SOURCE_DATE_EPOCH=1700000000 # one fixed time: the same inputs give the same bytes
missing=()
for need in gcc:gcc busybox:busybox-static depmod:kmod cpio:cpio mcopy:mtools mkfs.vfat:dosfstools syslinux:syslinux \
  mkfs.ext4:e2fsprogs qemu-img:qemu-utils apt-get:apt dpkg-deb:dpkg; do
  command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}")
done
mbr=$(ls /usr/lib/SYSLINUX/mbr.bin /usr/lib/syslinux/mbr/mbr.bin 2>/dev/null | head -1) || true
[[ -n $mbr ]] || missing+=(syslinux)
if ((${#missing[@]})); then
  echo "demo guest: please install: ${missing[*]}" >&2
  exit 1
fi
# A dynamic busybox would come up without its libraries.
if LD_TRACE_LOADED_OBJECTS=1 "$(command -v busybox)" 2>/dev/null | grep -q '=>'; then
  echo "demo guest: please install: busybox-static (the busybox here is dynamically linked)" >&2
  exit 1
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/troupe-guest.XXXXXX")
trap 'rm -rf "$work"' EXIT
say() { echo "demo guest: $*" >&2; }

# ---- packages ------------------------------------------------------------------------------------------------------
kernel_package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
if [[ -z $kernel_package ]]; then
  echo "demo guest: apt knows no linux-image-cloud-amd64; run apt-get update" >&2
  exit 1
fi
mkdir -p "$out/debs"
for package in "$kernel_package" qemu-guest-agent dropbear-bin libtomcrypt1 libtommath1; do
  compgen -G "$out/debs/${package}_*.deb" >/dev/null || { say "downloading $package"; (cd "$out/debs" && apt-get -qq -o APT::Sandbox::User=root download "$package"); }
  dpkg-deb -x "$(compgen -G "$out/debs/${package}_*.deb" | tail -1)" "$work/debian"
done
release=$(basename "$work"/debian/lib/modules/*)

# ---- initramfs -----------------------------------------------------------------------------------------------------
say "building the initramfs ($release)"
root=$work/root
mkdir -p "$root"/{bin,dev,etc,home/demo,lib,lib64,mnt/state,proc,root,run,sys,tmp,usr/bin,usr/sbin,usr/lib,var/log,usr/local/var}
cp -r "$here/rootfs/." "$root/"
ln -s /run "$root/var/run"
ln -s /run "$root/usr/local/var/run"
ln -s ../run/resolv.conf "$root/etc/resolv.conf"
cp "$(command -v busybox)" "$root/bin/busybox"
chmod 4755 "$root/bin/busybox" # su, login and ping; busybox drops the right itself for every other applet
for applet in $("$root/bin/busybox" --list); do
  [[ $applet == busybox || -e $root/sbin/$applet || -e $root/usr/sbin/$applet ]] || ln -s busybox "$root/bin/$applet"
done
ln -s poweroff "$root/sbin/reboot"
ln -s poweroff "$root/sbin/halt"
ln -s bin/busybox "$root/init"
ln -sf busybox "$root/bin/init"
rm -f "$root"/bin/{poweroff,reboot,halt}
ln -s ../bin/getty "$root/sbin/getty"
ln -s ../bin/modprobe "$root/sbin/modprobe"
ln -s ../bin/hwclock "$root/sbin/hwclock"

gcc -std=gnu11 -Wall -Wextra -Werror -Os -s -o "$root/bin/troupe-guest" "$here/src/troupe-guest.c"
for name in dirty heartbeat load-modules find-disk; do ln -s troupe-guest "$root/bin/$name"; done
cp "$work/debian/usr/sbin/qemu-ga" "$work/debian/usr/sbin/dropbear" "$root/usr/sbin/"
cp "$work/debian/usr/bin/dropbearkey" "$root/usr/bin/"
# Libraries come from the packages unpacked above, else from this machine (same release, by apt).
export LD_LIBRARY_PATH=$work/debian/usr/lib/x86_64-linux-gnu
for program in usr/sbin/qemu-ga usr/sbin/dropbear usr/bin/dropbearkey bin/troupe-guest; do
  libraries=$(ldd "$root/$program")
  if grep -q 'not found' <<<"$libraries"; then
    echo "demo guest: $program misses a library here:" >&2
    grep 'not found' <<<"$libraries" >&2
    exit 1
  fi
  grep -o '/[^ ]*' <<<"$libraries" | while read -r library; do
    target=$root/lib/$(basename "$library")
    [[ $library == /lib64/* ]] && target=$root$library
    [[ -e $target ]] || cp -L "$library" "$target"
  done
done
unset LD_LIBRARY_PATH

# SHA-512 of "demo" with few rounds: the password is public, and a login under TCG should not wait for it.
hash='$6$rounds=1000$troupe$RHOo65MBwDyxgBoD9vOcBXBo4kXiQHqsd/mrOZ2GwV2tuv.DQxptKLQRBKd0THAYpdds/cWJxRkoPp/opH9JO1'
printf 'root:x:0:0:root:/root:/bin/sh\ndemo:x:1000:1000:Demo:/home/demo:/bin/sh\n' >"$root/etc/passwd"
printf 'root:%s:19000::::::\ndemo:%s:19000::::::\n' "$hash" "$hash" >"$root/etc/shadow"
printf 'root:x:0:\ntty:x:5:\ndemo:x:1000:\n' >"$root/etc/group"
printf 'console\nttyS0\ntty1\nhvc0\n' >"$root/etc/securetty"
printf '/bin/sh\n' >"$root/etc/shells"
chmod 600 "$root/etc/shadow"

# Modules: an ordered list for each boot stage (dependencies first), and modules.dep for modprobe by hand.
early=(virtio_pci virtio_blk virtio_scsi sd_mod sr_mod isofs)
late=(virtio_net virtio_console virtio_rng button evdev virtio_balloon virtio_mem)
other=(vfat nls_ascii nls_cp437 virtio_mmio virtiofs vmw_vsock_virtio_transport virtio_input)
depmod -b "$work/debian" "$release"
list() {
  local module
  for module in "$@"; do
    modprobe -d "$work/debian" -S "$release" --show-depends "$module" 2>/dev/null | sed -n "s|^insmod $work/debian\(/[^ ]*\).*|\1|p" || say "the kernel has no module $module"
  done | awk '!seen[$0]++'
}
list "${early[@]}" >"$root/lib/modules.early"
list "${late[@]}" >"$root/lib/modules.late"
list "${early[@]}" "${late[@]}" "${other[@]}" | while read -r module; do install -D -m644 "$work/debian$module" "$root$module"; done
cp "$work/debian/lib/modules/$release"/modules.{builtin,builtin.modinfo,order} "$root/lib/modules/$release/"
depmod -b "$root" "$release"
rm -f "$root/lib/modules/$release"/modules.{builtin.modinfo,order,*.bin}
mv "$root/lib/modules.early" "$root/lib/modules/early"
mv "$root/lib/modules.late" "$root/lib/modules/late"

find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
(cd "$root" && find . -mindepth 1 -print0 | sort -z | cpio --quiet --null -o -H newc -R 0:0 --reproducible) >"$work/initrd"
gzip -9 -n -c "$work/initrd" >"$work/initrd.gz"
cp "$work/debian/boot/vmlinuz-$release" "$work/vmlinuz"

# ---- disk ----------------------------------------------------------------------------------------------------------
# MBR and a FAT partition with syslinux, kernel and initramfs; an ext4 partition "state" for data.
say "building the disk"
disk=$work/disk.raw
boot_start=2048 boot_sectors=65536 state_start=67584 state_sectors=131072
truncate -s $(((state_start + state_sectors) * 512)) "$disk"
# The MBR: boot code, a disk signature and two partition entries (sfdisk would be one more package).
little_endian() { printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)); }
partition() { printf '\\x%s\\xfe\\xff\\xff\\x%s\\xfe\\xff\\xff%s%s' "$1" "$2" "$(little_endian "$3")" "$(little_endian "$4")"; }
dd if="$mbr" of="$disk" conv=notrunc bs=440 count=1 status=none
# shellcheck disable=SC2059 # the format is the bytes
printf "$(little_endian 0x74727570)\\x00\\x00$(partition 80 0c $boot_start $boot_sectors)$(partition 00 83 $state_start $state_sectors)" |
  dd of="$disk" conv=notrunc bs=1 seek=440 status=none
printf '\x55\xaa' | dd of="$disk" conv=notrunc bs=1 seek=510 status=none
mkfs.vfat --invariant -n BOOT -i 74727570 -s 64 --offset $boot_start "$disk" $((boot_sectors / 2)) >/dev/null 2>"$work/mkfs.log" || { cat "$work/mkfs.log" >&2; exit 1; }
cat >"$work/syslinux.cfg" <<'CFG'
SERIAL 0 115200
DEFAULT demo
PROMPT 0
LABEL demo
  KERNEL vmlinuz
  INITRD initrd.gz
  APPEND console=ttyS0 quiet panic=1 no_timer_check tsc=reliable cryptomgr.notests nokaslr
CFG
touch -d "@$SOURCE_DATE_EPOCH" "$work"/{vmlinuz,initrd.gz,syslinux.cfg}
image=$disk@@$((boot_start * 512))
for file in vmlinuz initrd.gz syslinux.cfg; do mcopy -m -i "$image" "$work/$file" "::$file"; done
syslinux --offset $((boot_start * 512)) --install "$disk"
mkfs.ext4 -q -L state -U 74727570-6500-4000-8000-000000000001 -E "offset=$((state_start * 512)),hash_seed=74727570-6500-4000-8000-000000000002,lazy_itable_init=0" \
  "$disk" $((state_sectors / 2))k
qemu-img convert -O qcow2 "$disk" "$work/disk.qcow2"

rm -f "$out/stamp"
mv "$work"/{vmlinuz,initrd.gz,disk.raw,disk.qcow2} "$out/"
echo "$inputs" >"$out/stamp"
say "ready in $out"
