# Shared by the ./dev commands: messages, packages, builds. Sourced, with ROOT and DEV set.

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
die() { printf 'dev: %s\n' "$*" >&2; exit 1; }

# What the product runs on, then what building it needs.
RUNTIME_PACKAGES=(qemu-system-x86 qemu-utils ovmf swtpm swtpm-tools libvirt-daemon libvirt-daemon-driver-qemu dnsmasq-base passt nftables iproute2 tini
  runc conmon skopeo umoci xorriso util-linux)
BUILD_PACKAGES=(gcc libc6-dev zlib1g-dev binutils busybox-static cpio kmod mtools dosfstools syslinux fdisk e2fsprogs jq ca-certificates curl)
TEST_PACKAGES=(libvirt-clients procps socat sqlite3 postgresql)

# ensure_packages NAME...: installs what is missing when root, else names exactly what to install.
ensure_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  # Debian's kubernetes-client is old (1.20): only for a machine that has no kubectl at all.
  command -v kubectl >/dev/null || missing+=(kubernetes-client)
  [ ${#missing[@]} -eq 0 ] && return
  [ "$(id -u)" = 0 ] || die "these Debian packages are missing: sudo apt-get install --no-install-recommends ${missing[*]}"
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  apt-get update -qq
  # Without recommends: libvirt and QEMU would bring 180 MB of desktop libraries.
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o Dpkg::Progress-Fancy=0 "${missing[@]}" |
    grep --line-buffered -E '^(Get:|Setting up)' | cut -c1-100 || true
  for package in "${missing[@]}"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || die "apt-get could not install $package"
  done
}

ensure_sdk() { command -v dotnet >/dev/null || die "the .NET 10 SDK is missing (https://dot.net)"; }

# stamp_of PATH...: hash of the sources below the paths, to know whether something must be built again.
stamp_of() {
  find "$@" -type f -not -path '*/bin/*' -not -path '*/obj/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-32
}

# unless_stamped NAME STAMP CMD...: runs CMD unless it succeeded before with the same stamp.
unless_stamped() {
  local name=$1 stamp=$2; shift 2
  mkdir -p "$DEV/stamps"
  [ "$(cat "$DEV/stamps/$name" 2>/dev/null)" = "$stamp" ] && return
  "$@" || return
  echo "$stamp" >"$DEV/stamps/$name"
}

# Left alone, .NET sizes its youngest generation by the CPU's last-level cache, which on a server is hundreds of MiB.
DEVCLUSTER_ENV=(DOTNET_GCgen0size=0x1000000)

devcluster_bin() { echo "$DEV/bin/devcluster/Troupe.DevCluster"; }

# Analyzers take most of a compiler's time. ./dev test, which has just run them, takes what it compiled as it is.
COMPILE=(-p:RunAnalyzers=false)

publish() { # publish PROJECT-FOLDER OUT
  say "building $1"
  dotnet publish "$1" -c Release -o "$DEV/bin/$2" "${COMPILE[@]}" -v quiet --nologo
}

publish_native() { # publish_native PROJECT-FOLDER OUT
  say "building $1 (native)"
  # gcc instead of clang: one package less on a fresh machine.
  dotnet publish "$1" -c Release -r linux-x64 -p:CppCompilerAndLinker=gcc "${COMPILE[@]}" -o "$DEV/bin/$2" -v quiet --nologo
}

# What a start of control plane or agent calls most: the JIT takes half of the CPU that it needs until its first guest runs. The large libraries
# of which little is called (KubernetesClient, LanguageExt, linq2db …) would cost the compiler more than they give.
AHEAD='Troupe.*.dll Akka*.dll DotNetty.*.dll Google.Protobuf.dll Newtonsoft.Json.dll Microsoft.Data.Sqlite.dll SQLitePCLRaw.*.dll System.CommandLine.dll System.Configuration.*.dll YamlDotNet.dll'

publish_ahead() { # publish_ahead PROJECT-FOLDER OUT: compiled ahead of time, as far as that pays (ReadyToRun)
  publish "$1" "il/$2" || return
  local il=$DEV/bin/il/$2 out=$DEV/bin/$2 assemblies dll
  # shellcheck disable=SC2086 # patterns; not every product has every library
  assemblies=$(cd "$il" && ls $AHEAD 2>/dev/null || true)
  mkdir -p "$DEV/ahead"
  xargs -P "$(nproc)" -I {} "$ROOT/tools/ahead.sh" "$il" {} "$DEV/ahead" <<<"$assemblies" || return
  rm -rf "$out" && cp -a "$il" "$out" || return
  for dll in $assemblies; do cp --remove-destination "$DEV/ahead/$(sha256sum <"$il/$dll" | cut -c1-32)" "$out/$dll" || return; done
  # What no build has used for some time is of versions that are gone.
  find "$DEV/ahead" -type f -mtime +7 -delete
}

BUILD_SETTINGS=(Directory.Build.props Directory.Build.targets Directory.Packages.props global.json)

build_devcluster() {
  ensure_sdk
  unless_stamped devcluster "$(stamp_of DevCluster Shared "${BUILD_SETTINGS[@]}")" publish_native DevCluster devcluster
}

build_product() {
  build_devcluster
  local settings=("${BUILD_SETTINGS[@]}")
  unless_stamped controlplane "$(stamp_of ControlPlane Kubernetes Messages deploy/crds "${settings[@]}")" publish_ahead ControlPlane controlplane
  unless_stamped nodeactors "$(stamp_of NodeActors Kubernetes Messages "${settings[@]}")" publish_ahead NodeActors nodeactors
  unless_stamped launcher "$(stamp_of Launcher Shared Messages "${settings[@]}")" publish_native Launcher launcher
  build_images
}

build_images() {
  deploy/guest/build.sh "$DEV/guest"
  deploy/images/build.sh "$DEV/images" "$DEV/bin/launcher/virt-launcher" "$DEV/guest"
}
