#!/usr/bin/env python3
"""Finds the C++ libraries that come inside Python wheels: LibTorch in `torch` 2.11 with the two CUDA libraries that its
CPU side asks for, and Arrow with Parquet in `pyarrow`.

Nothing is imported (importing torch wants the whole CUDA side). Places, first that fits: $FRUGAL_TORCH_DIR or
$FRUGAL_PYARROW_DIR (the package's folder; then nowhere else), this checkout's .venv, the python that runs this script.
Prints four lines, each empty after the `=` where nothing was found; tools/setup.sh and cmake/ read them:
    torch=DIR    cudart=FILE    cupti=FILE    pyarrow=DIR
"""
import glob
import importlib.util
import os
import pathlib
import re
import sys

REPO = pathlib.Path(__file__).resolve().parent.parent
TORCH = "2.11"
PYARROW_AT_LEAST = 20  # the first whose headers are as src/data/parquet uses them


def text_match(pattern, path):
    """What the pattern's group matches in a file, or None: the version of what is unpacked there."""
    try:
        return re.search(pattern, path.read_text()).group(1)
    except (OSError, AttributeError):
        return None


def usable_torch(folder):
    have = text_match(r"__version__ = '([^']+)'", folder / "version.py")
    return have and have.startswith(TORCH + ".") and (folder / "lib" / "libtorch_cpu.so").exists()


def usable_pyarrow(folder):
    have = text_match(r"define ARROW_VERSION_MAJOR (\d+)", folder / "include" / "arrow" / "util" / "config.h")
    return have and int(have) >= PYARROW_AT_LEAST and len(list(folder.glob("libparquet.so.*"))) == 1


def site_packages():
    return sorted((REPO / ".venv" / "lib").glob("python3*/site-packages"))


def folders(package):
    given = os.environ.get(f"FRUGAL_{package.upper()}_DIR")
    if given:
        yield pathlib.Path(given)
        return
    for site in site_packages():
        yield site / package
    spec = importlib.util.find_spec(package)
    if spec and spec.origin:
        yield pathlib.Path(spec.origin).parent


def library(name, torch):
    """The path of a CUDA library: from a wheel beside torch or in .venv, from a toolkit, or known to the loader."""
    wheels = ([torch.parent] if torch else []) + site_packages()
    folders = [str(w / "nvidia" / part / "lib") for w in wheels for part in ("cu13", "cuda_runtime", "cuda_cupti")]
    folders += os.environ.get("LD_LIBRARY_PATH", "").split(":")
    for root in [os.environ.get("CUDA_HOME", "")] + sorted(glob.glob("/usr/local/cuda*"), reverse=True):
        folders += [f"{root}/lib64", f"{root}/extras/CUPTI/lib64"] if root else []
    folders += ["/usr/local/lib", "/usr/lib64", *glob.glob("/usr/lib/*-linux-gnu")]
    found = (os.path.join(folder, name) for folder in folders if folder)
    return next((path for path in found if os.path.exists(path)), "")


def main():
    torch = next((folder for folder in folders("torch") if usable_torch(folder)), None)
    pyarrow = next((folder for folder in folders("pyarrow") if usable_pyarrow(folder)), None)
    print(f"torch={torch or ''}")
    print(f"cudart={library('libcudart.so.13', torch)}")
    print(f"cupti={library('libcupti.so.13', torch)}")
    print(f"pyarrow={pyarrow or ''}")


if __name__ == "__main__":
    sys.exit(main())
