# ./dev conformance [--kubeconfig F]. Sourced.

conformance() {
  local kubeconfig='' results=$DEV/conformance failed=0
  while [ $# -gt 0 ]; do
    case $1 in
      --kubeconfig) kubeconfig=$(realpath "${2:?--kubeconfig needs a file}"); shift 2 ;;
      --kubeconfig=*) kubeconfig=$(realpath "${1#*=}"); shift ;;
      *) die "conformance: unknown option '$1'" ;;
    esac
  done
  [ -z "$kubeconfig" ] || [ -r "$kubeconfig" ] || die "conformance: can't read $kubeconfig"
  command -v kubectl >/dev/null || ensure_packages
  say "building tests/Conformance"
  dotnet build tests/Conformance -c Release -v quiet --nologo
  mkdir -p "$results"
  rm -f "$results/results.xml"
  say "testing ${kubeconfig:-the embedded API server}"
  TROUPE_CONFORMANCE_KUBECONFIG=$kubeconfig tests/Conformance/bin/Release/net10.0/Troupe.Conformance -noLogo -noColor \
    -result-xml "$results/results.xml" >"$results/log" 2>&1 || failed=1
  [ -s "$results/results.xml" ] || { tail -20 "$results/log"; die "the suite wrote no results; see .dev/conformance/log"; }
  conformance_table "$results/results.xml"
  [ $failed = 0 ] || grep -E '^ +Troupe\.Conformance.*\[FAIL\]' "$results/log" || true
  return $failed
}

# conformance_table XML: one line a topic (a test class), from xunit's result file; a skipped test is one that the server can't be asked.
conformance_table() {
  local row='%-20s %7s %7s %15s\n'
  # shellcheck disable=SC2059 # one format for all rows
  printf "$row" topic passed failed 'not applicable'
  grep -oE '<test [^>]*>' "$1" | sed -nE 's/.* result="([A-Za-z]+)".* type="Troupe\.Conformance\.Topics\.([A-Za-z]+)".*/\2 \1/p' |
    awk -v row="$row" '{ seen[$1 " " $2]++; topics[$1] } END { for (t in topics) { name = t; gsub(/[A-Z]/, " &", name); printf row, substr(name, 2), seen[t " Pass"] + 0, seen[t " Fail"] + 0, seen[t " Skip"] + 0 } }' | sort
  # shellcheck disable=SC2059
  printf "$row" all "$(count_results "$1" Pass)" "$(count_results "$1" Fail)" "$(count_results "$1" Skip)"
}

count_results() { grep -oE '<test [^>]*>' "$1" | grep -c " result=\"$2\"" || true; }
