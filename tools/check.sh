#!/usr/bin/env bash
# clang-format over the project's own sources, then clang-tidy over what BUILD_DIR compiles of them (tools/tidy.py).
# Usage: tools/check.sh BUILD_DIR [FILE... | changed]. Without files: all of them; `changed`: what differs from main.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
shift

status=0
git ls-files -z '*.cc' '*.h' | xargs -0 -n 50 clang-format --dry-run --Werror || { echo "not formatted; make format"; status=1; }
tools/tidy.py "$build" "$@" || status=1
exit $status
