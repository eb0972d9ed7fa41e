#!/usr/bin/env bash
# ahead.sh DIR ASSEMBLY CACHE: compiles DIR's ASSEMBLY ahead of time, into a file of the cache that is named by what was compiled.
set -euo pipefail
dir=$1 assembly=$2 cache=$3
compiled=$cache/$(sha256sum <"$dir/$assembly" | cut -c1-32)
if [ -e "$compiled" ]; then touch "$compiled"; exit; fi
newest() { find "$@" -maxdepth 1 -mindepth 1 -type d | sort -V | tail -1; }
compiler=$(newest "${NUGET_PACKAGES:-$HOME/.nuget/packages}/microsoft.netcore.app.crossgen2.linux-x64")/tools/crossgen2
shared=$(dirname "$(readlink -f "$(command -v dotnet)")")/shared
# Two products may be built side by side.
"$compiler" "$dir/$assembly" -o "$compiled.$$" -r "$(newest "$shared/Microsoft.NETCore.App")/*.dll" -r "$(newest "$shared/Microsoft.AspNetCore.App")/*.dll" -r "$dir/*.dll" \
  --targetos linux --targetarch x64 -O >"$compiled.log" || { cat "$compiled.log" >&2; exit 1; }
mv "$compiled.$$" "$compiled"
rm "$compiled.log"
