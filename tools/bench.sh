# ./dev bench [NAME] [ARG...]. Sourced.

bench() {
  ensure_packages "${RUNTIME_PACKAGES[@]}" "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
  [ "$(id -u)" = 0 ] || die "benchmarks start guests: run ./dev bench as root"
  # The API server alone needs no guests and nothing that runs them.
  if [ "${1:-}" = apiserver ]; then build_devcluster; else build_product; fi
  unless_stamped benchmarks "$(stamp_of tests/Benchmarks tests/EndToEnd tests/Parity ControlPlane Kubernetes Messages Directory.Build.props Directory.Packages.props)" \
    publish tests/Benchmarks benchmarks
  TROUPE_DEV_DIR=$DEV "$DEV/bin/benchmarks/Troupe.Benchmarks" "$@"
}
