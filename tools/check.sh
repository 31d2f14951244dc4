#!/usr/bin/env bash
# clang-format and clang-tidy over the project's own sources. Usage: tools/check.sh BUILD_DIR [FILE...]
# Without files: all of them.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
shift
files=("$@")
if ((${#files[@]} == 0)); then mapfile -t files < <(git ls-files 'src/*.cc' 'src/*.h' 'include/*.h' 'tests/*.cc'); fi

status=0
clang-format --dry-run --Werror "${files[@]}" || status=1

# Kernels are left out: their instruction-set flags are g++'s, and intrinsics set off more noise than finds.
mapfile -t units < <(printf '%s\n' "${files[@]}" | grep '^src/.*\.cc$' | grep -v -e '_test\.cc$' -e '/cpu/kernels')
if ((${#units[@]})); then
  printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy -p "$build" --quiet 2>/dev/null || status=1
fi
[[ $status == 0 ]] && echo "check: ${#files[@]} files formatted, ${#units[@]} sources tidy"
exit $status
