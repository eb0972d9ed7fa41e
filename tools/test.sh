# ./dev test and ./dev lint. Sourced.

run_tests() {
  local filter=${1:-} results=$DEV/test-results
  ensure_packages "${RUNTIME_PACKAGES[@]}" "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
  [ "$(id -u)" = 0 ] || die "tests make network namespaces, cgroups and guests: run ./dev test as root"
  ensure_sdk
  say "building everything, with analyzers"
  dotnet build Troupe.slnx -c Release -v quiet --nologo
  COMPILE=()
  rm -rf "$results"; mkdir -p "$results"
  # The native compilers take minutes of one CPU, and the suites without guests wait much.
  say "building the product beside the first suites"
  build_product >"$DEV/product.log" 2>&1 & local product=$!
  local projects=() real=() project name failed=0
  for project in tests/*/Troupe.*.csproj; do
    name=$(basename "$project" .csproj)
    case $name in
      Troupe.Benchmarks|Troupe.Parity|Troupe.Stress) ;;
      Troupe.EndToEnd|Troupe.Launcher.Tests|Troupe.Stress.Tests) real+=("$project") ;;
      *) projects+=("$project") ;;
    esac
  done
  for project in "${projects[@]}" "${real[@]}"; do
    name=$(basename "$project" .csproj)
    if [ "$project" = "${real[0]}" ]; then wait "$product" || { cat "$DEV/product.log" >&2; die "the product does not build"; }; fi
    local args=(-noLogo -noColor -result-xml "$results/$name.xml")
    [ -n "$filter" ] && args+=(-method "*$filter*")
    # Its classes each boot a cluster with emulated guests: side by side on two cores they only take each other's time.
    [ "$name" = Troupe.EndToEnd ] && args+=(-parallelMode none)
    say "testing ${name#Troupe.}"
    TROUPE_DEV_DIR=$DEV "$(dirname "$project")/bin/Release/net10.0/$name" "${args[@]}" || failed=1
    # An assembly that died before it could write its results has failed, whatever the others say.
    [ -s "$results/$name.xml" ] || { echo "$name wrote no results" >&2; failed=1; }
  done
  summary "$results" || failed=1
  return $failed
}

# Counts what really ran, from xunit's result files; an empty run is a failure.
summary() {
  local passed failed skipped errors
  passed=$(attribute_sum "$1" passed); failed=$(attribute_sum "$1" failed)
  skipped=$(attribute_sum "$1" skipped); errors=$(attribute_sum "$1" errors)
  echo "$passed passed, $((failed + errors)) failed, $skipped skipped"
  [ $((failed + errors)) -eq 0 ] && [ "$passed" -gt 0 ]
}

# attribute_sum DIR NAME: sum of the attribute over the <assembly …> elements.
attribute_sum() {
  cat "$1"/*.xml 2>/dev/null | grep -oE '<assembly [^>]*>' | grep -oE " $2=\"[0-9]+\"" | tr -dc '0-9\n' | awk '{s += $1} END {print s + 0}'
}

lint() {
  say "dotnet format"
  dotnet format Troupe.slnx --verify-no-changes
  say "shell scripts"
  local script failed=0
  while read -r script; do bash -n "$script" || failed=1; done < <(git ls-files | xargs grep -lE '^#!.*(bash|/sh)' ; ls tools/*.sh)
  if command -v shellcheck >/dev/null; then git ls-files '*.sh' dev .ci/run | xargs shellcheck -x -S warning || failed=1; fi
  return $failed
}
