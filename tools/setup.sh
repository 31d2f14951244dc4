#!/usr/bin/env bash
# Installs what building, testing and running frugal miss, and nothing else. Safe to run any number of times: what is
# there is left alone, and then it takes about a second.
#
#   tools/setup.sh [base] [torch] [arrow] [model] [language] [spark] [check] [fuzz]      without a word: base torch arrow model
#
#   base    the distribution's packages (installed as root or through passwordless sudo, else the command is printed)
#   torch   LibTorch 2.11 from the torch wheel: one already there is used, else it goes into .venv without dependencies
#   arrow   Arrow and Parquet from the pyarrow wheel: one already there is used, else it goes into .venv
#   model   the default model, under models/
#   language   the language identification model lid.176.ftz, under models/
#   spark   nanobind, pyspark and a Java runtime, for curation under Apache Spark
#   check   clang-format and clang-tidy, for `make check`;  fuzz: clang with libFuzzer, for `make fuzz`
#
# Environment: PYTHON (python3), FRUGAL_TORCH_DIR, FRUGAL_PYARROW_DIR (a package's folder to use as it is).
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
VENV=.venv

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Prints the packages of "$@" that are missing. TOOL=PACKAGE counts as there when TOOL can be run, from wherever.
missing_packages() {
  local want
  for want in "$@"; do
    if [[ $want == *=* ]]; then
      command -v "${want%%=*}" >/dev/null || echo "${want#*=}"
    else
      dpkg-query -W -f '${Status}' "$want" 2>/dev/null | grep -q 'ok installed' || echo "$want"
    fi
  done
}

# Installs packages as root or through sudo; fails with the one command to run where neither is there.
install_packages() {
  local sudo=()
  if [[ $(id -u) != 0 ]]; then
    if ! sudo -n true 2>/dev/null; then
      die "these packages are missing; install them with:  sudo apt-get install $*"
    fi
    sudo=(sudo)
  fi
  say "installing $*"
  export DEBIAN_FRONTEND=noninteractive
  local install=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@")
  # apt says itself how much it downloads. The package lists may be old or not there: fetch them and try once more.
  "${install[@]}" || { "${sudo[@]}" apt-get update && "${install[@]}"; }
}

ensure_packages() {
  if ! command -v apt-get >/dev/null; then
    say "no apt-get here; what is needed, by Debian's names: $*"
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages "$@")
  if ((${#missing[@]})); then install_packages "${missing[@]}"; fi
}

base() {
  local venv=()
  "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || venv=(python3-venv)
  ensure_packages c++=g++ cmake=cmake ninja=ninja-build ccache=ccache pkg-config=pkg-config "${venv[@]}" \
    libfmt-dev libspdlog-dev nlohmann-json3-dev libcli11-dev libpcre2-dev zlib1g-dev libgtest-dev \
    libsimdjson-dev libzstd-dev libxxhash-dev libmodest-dev libicu-dev libpsl-dev libtomlplusplus-dev
}

# The private environment, made when something has to be downloaded; its pip is the one used.
ensure_venv() {
  [[ -x $VENV/bin/pip ]] && return
  say "making $VENV"
  "$PYTHON" -m venv "$VENV" || die "$PYTHON -m venv failed; on Debian:  sudo apt-get install python3-venv"
}

pip_install() {
  ensure_venv
  local bar=()
  [[ -t 1 ]] || bar=(--progress-bar off)
  "$VENV/bin/python" -m pip --disable-pip-version-check install --no-deps --no-cache-dir "${bar[@]}" "$@"
}

found() { "$PYTHON" tools/find_wheels.py | sed -n "s/^$1=//p"; }

torch() {
  if [[ -z $(found torch) ]]; then
    [[ -z ${FRUGAL_TORCH_DIR:-} ]] || die "FRUGAL_TORCH_DIR=$FRUGAL_TORCH_DIR holds no torch 2.11"
    say "fetching LibTorch: the torch 2.11.0 wheel, without its dependencies (download 531 MB, 1.3 GB on disk)"
    pip_install torch==2.11.0
  fi
  local wheels=()
  [[ -n $(found cudart) ]] || wheels+=('nvidia-cuda-runtime>=13,<14')
  [[ -n $(found cupti) ]] || wheels+=('nvidia-cuda-cupti>=13,<14')
  if ((${#wheels[@]})); then
    say "fetching the CUDA 13 libraries that LibTorch's CPU side names: ${wheels[*]} (download about 15 MB)"
    pip_install "${wheels[@]}"
  fi
}

arrow() {
  [[ -z $(found pyarrow) ]] || return 0
  [[ -z ${FRUGAL_PYARROW_DIR:-} ]] || die "FRUGAL_PYARROW_DIR=$FRUGAL_PYARROW_DIR holds no pyarrow 20 or newer"
  say "fetching Arrow and Parquet: the pyarrow wheel (download 53 MB, 170 MB on disk)"
  pip_install pyarrow==26.0.1
}

model() {
  if "$PYTHON" tools/fetch_model.py --check; then return; fi
  ensure_venv
  "$VENV/bin/python" tools/fetch_model.py
}

language() {
  if "$PYTHON" tools/fetch_language_model.py --check; then return; fi
  ensure_venv
  "$VENV/bin/python" tools/fetch_language_model.py
}

spark() {
  ensure_packages java=default-jre-headless python3-dev
  arrow
  ensure_venv
  "$VENV/bin/python" -c 'import nanobind, pandas, pyarrow, pyspark' 2>/dev/null && return
  say "fetching nanobind, pandas and pyspark (download 460 MB)"
  "$VENV/bin/python" -m pip --disable-pip-version-check install --no-cache-dir nanobind pyarrow==26.0.1 pyspark==4.3.0 'pandas<3'
}

check() { ensure_packages clang-format=clang-format clang-tidy=clang-tidy; }
fuzz() { ensure_packages clang++-14=clang-14 libclang-rt-14-dev; }

command -v "$PYTHON" >/dev/null || die "python3 (3.10 or newer) is missing;  sudo apt-get install python3"
(($#)) || set -- base torch arrow model
for step in "$@"; do
  case $step in
    base | torch | arrow | model | language | spark | check | fuzz) "$step" ;;
    *) die "no step named '$step'; steps: base torch arrow model language spark check fuzz" ;;
  esac
done
