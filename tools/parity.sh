# ./dev parity [--list]. Sourced.

parity() {
  command -v dotnet >/dev/null || die "the .NET 10 SDK is missing (https://dot.net)"
  unless_stamped parity "$(stamp_of tests/Parity ControlPlane Kubernetes Messages deploy/crds Directory.Build.props Directory.Packages.props)" \
    publish tests/Parity parity
  "$DEV/bin/parity/Troupe.Parity" "$@"
}
