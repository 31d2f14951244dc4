#!/usr/bin/env bash
# clang-format and clang-tidy over the project's own sources. Usage: tools/check.sh BUILD_DIR [FILE...]
# Without files: all of them. clang-tidy sees what BUILD_DIR compiles, without tests and kernels: a kernel's
# instruction-set flags are g++'s, and intrinsics set off more noise than finds.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
shift
files=("$@")
if ((${#files[@]} == 0)); then mapfile -t files < <(git ls-files 'src/*.cc' 'src/*.h' 'include/*.h' 'tests/*.cc'); fi

status=0
for file in "${files[@]}"; do
  clang-format --dry-run --Werror "$file" 2>/dev/null || { echo "$file: not formatted; make format"; status=1; }
done

units=()
for file in "${files[@]}"; do
  case $file in *_test.cc | */cpu/kernels* | *.h) continue ;; esac
  if grep -q "/$file\"" "$build/compile_commands.json"; then units+=("$file"); fi
done
if ((${#units[@]})); then
  printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 4 \
    clang-tidy -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option 2>/dev/null || status=1
fi
[[ $status == 0 ]] && echo "check: ${#files[@]} files formatted, ${#units[@]} sources tidy"
exit $status
