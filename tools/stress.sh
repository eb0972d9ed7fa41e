# ./dev stress migration [OPTION...]. Sourced.

stress() {
  local simulated=
  case " $* " in *' --simulated '*|*' --help '*) simulated=1 ;; esac
  if [ -z "$simulated" ]; then
    ensure_packages "${RUNTIME_PACKAGES[@]}" "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
    [ "$(id -u)" = 0 ] || die "real guests need network namespaces and cgroups: run ./dev stress as root, or with --simulated"
    build_product
  fi
  command -v dotnet >/dev/null || die "the .NET 10 SDK is missing (https://dot.net)"
  # Not published: the control plane that a simulation starts is the one that was built beside it.
  unless_stamped stress "$(stamp_of tests/Stress tests/EndToEnd ControlPlane NodeActors Kubernetes Launcher DevCluster Messages Directory.Build.props Directory.Build.targets Directory.Packages.props)" \
    build_stress
  TROUPE_DEV_DIR=$DEV tests/Stress/bin/Release/net10.0/Troupe.Stress "$@"
}

build_stress() {
  say "building tests/Stress"
  dotnet build tests/Stress -c Release -p:RunAnalyzers=false -v quiet --nologo
}
