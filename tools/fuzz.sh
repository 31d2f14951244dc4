#!/usr/bin/env bash
# Runs every fuzz target of a build for a while. Usage: tools/fuzz.sh BUILD_DIR SECONDS [TARGET...]
# A target fuzz_X starts from tests/fuzz/X (kept inputs, old crashes among them) and writes what it finds to
# BUILD_DIR/corpus/X. A crash stops it, leaves its input there and exits 1: add that input to tests/fuzz/X.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1 seconds=$2
shift 2
targets=("$@")
if ((${#targets[@]} == 0)); then mapfile -t targets < <(find "$build/bin" -maxdepth 1 -name 'fuzz_*' -type f -printf '%f\n' | sort); fi
((${#targets[@]})) || { echo "fuzz: no fuzz targets in $build/bin" >&2; exit 1; }

failed=0
for target in "${targets[@]}"; do
  name=${target#fuzz_}
  found=$build/corpus/$name
  mkdir -p "$found"
  seeds=()
  [[ -d tests/fuzz/$name ]] && seeds=("tests/fuzz/$name")
  printf 'fuzz: %s for %s s\n' "$target" "$seconds"
  # 2 GB: a parser that asks for more on a small file is wrong.
  "$build/bin/$target" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 \
    -artifact_prefix="$found/" "$found" "${seeds[@]}" >"$build/$target.log" 2>&1 || failed=$((failed + 1))
  grep -E 'number_of_executed_units|ERROR|SUMMARY|Test unit written' "$build/$target.log" || true
done
echo "$((${#targets[@]} - failed)) passed, $failed failed"
exit $((failed > 0))
