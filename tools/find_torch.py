#!/usr/bin/env python3
"""Finds LibTorch: the C++ side of a `torch` 2.11 wheel, and the two CUDA libraries that its CPU side asks for.

Nothing is imported (importing torch wants the whole CUDA side). Places, first that fits: $FRUGAL_TORCH_DIR
(the folder with lib/ and include/), this checkout's .venv, the python that runs this script.
Prints three lines, each empty after the `=` where nothing was found; tools/setup.sh and cmake/libtorch.cmake read them:
    torch=DIR    cudart=FILE    cupti=FILE
"""
import glob
import importlib.util
import os
import pathlib
import re
import sys

REPO = pathlib.Path(__file__).resolve().parent.parent
WANTED = "2.11"


def version(folder):
    """The version of the wheel unpacked in `folder`, or None where there is none."""
    try:
        return re.search(r"__version__ = '([^']+)'", (folder / "version.py").read_text()).group(1)
    except (OSError, AttributeError):
        return None


def usable(folder):
    have = version(folder)
    return have and have.startswith(WANTED + ".") and (folder / "lib" / "libtorch_cpu.so").exists()


def site_packages():
    return sorted((REPO / ".venv" / "lib").glob("python3*/site-packages"))


def torch_folders():
    if os.environ.get("FRUGAL_TORCH_DIR"):
        yield pathlib.Path(os.environ["FRUGAL_TORCH_DIR"])
        return
    for site in site_packages():
        yield site / "torch"
    spec = importlib.util.find_spec("torch")
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
    torch = next((folder for folder in torch_folders() if usable(folder)), None)
    print(f"torch={torch or ''}")
    print(f"cudart={library('libcudart.so.13', torch)}")
    print(f"cupti={library('libcupti.so.13', torch)}")


if __name__ == "__main__":
    sys.exit(main())
