#!/usr/bin/env python3
"""clang-tidy over the project's own sources, each once: kernels with the richest instruction set's flags only, tests
one by one instead of in their unity files, what this configuration does not build left out.

    tools/tidy.py BUILD_DIR [-j JOBS] [FILE... | changed]

Without files: the whole tree. `changed`: what differs from main. A header stands for one source that includes it. What
was found clean is remembered in BUILD_DIR/tidy until the source, a header of ours that it includes, its command or
.clang-tidy changes, so a run that was broken off goes on, and a second one takes seconds.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parent.parent
# Assertions are on, so that the analyzer knows what they promise; g++'s own warning flags are not clang's.
EXTRA = " -UNDEBUG -Wno-unknown-warning-option"

# A test reads better without reserve() and references, and compares floats bit by bit on purpose; and with the
# analyzer, which follows every way through GoogleTest's macros, it takes three times as long.
TEST_CHECKS = "-performance-*,-bugprone-suspicious-memory-comparison,-clang-analyzer-*"


def unity_parts(path):
    """The sources that a unity file of CMake's includes."""
    return re.findall(r'^#include "([^"]+)"', path.read_text(), re.M)


def own_sources(build):
    """Source relative to the repository -> its entry of compile_commands.json. Of several, the last: CMakeLists.txt
    names the instruction sets from the plainest to the richest."""
    entries = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = pathlib.Path(entry["directory"], entry["file"])
        for part in unity_parts(file) if "/Unity/" in str(file) else [str(file)]:
            if part.startswith(f"{REPO}/") and not part.startswith(f"{build}/"):
                command = entry["command"].replace(entry["file"], part) + EXTRA
                entries[str(pathlib.Path(part).relative_to(REPO))] = {**entry, "file": part, "command": command}
    return entries


def included(source, cache):
    """The project's headers that `source` includes, through others too; and itself."""
    seen, todo = set(), [source]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in cache:
            text = (REPO / name).read_text()
            near = [pathlib.Path(name).parent, pathlib.Path("src"), pathlib.Path(".")]
            targets = re.findall(r'^\s*#\s*include "([^"]+)"', text, re.M)
            found = [next((n / t for n in near if (REPO / n / t).is_file()), None) for t in targets]
            cache[name] = [os.path.normpath(f) for f in found if f]
        todo += cache[name]
    return seen


def fingerprint(source, entry, headers):
    digest = hashlib.sha256(entry["command"].encode())
    for name in [".clang-tidy", *sorted(headers)]:
        digest.update((REPO / name).read_bytes())
    return digest.hexdigest()


def changed_files():
    git = lambda *a: subprocess.run(["git", *a], cwd=REPO, check=True, capture_output=True, text=True).stdout.split()
    base = git("merge-base", "HEAD", "main")[0]
    return git("diff", "--name-only", base) + git("ls-files", "--others", "--exclude-standard")


def chosen(files, entries, cache):
    """The sources that FILE... stand for. A header is seen through its own source, or the first that includes it."""
    if files == ["changed"]:
        files = [f for f in changed_files() if f.endswith((".cc", ".h")) and (REPO / f).exists()]
    elif not files:
        return sorted(entries)
    result = set()
    for file in files:
        name = os.path.relpath(pathlib.Path(file).resolve(), REPO)
        users = [name, re.sub(r"\.h$", ".cc", name)] + [s for s in sorted(entries) if name in included(s, cache)]
        unit = next((u for u in users if u in entries), None)
        if unit:
            result.add(unit)
        else:
            print(f"tidy: {name}: nothing in this build compiles it", file=sys.stderr)
    return sorted(result)


def tidy(source, folder, stamp, mark):
    """What clang-tidy found in a source, and whether it is clean; then `mark` is kept as its stamp."""
    less = ["--checks=" + TEST_CHECKS] if source.endswith("_test.cc") else []
    command = ["clang-tidy", "-p", folder, "--quiet", *less, source]
    run = subprocess.run(command, cwd=REPO, capture_output=True, text=True)
    if run.returncode == 0:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(mark)
    return run.returncode == 0, run.stdout if run.stdout.strip() or run.returncode == 0 else run.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("-j", "--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("files", nargs="*")
    args = parser.parse_intermixed_args()
    build = args.build.resolve()
    entries, cache = own_sources(build), {}
    folder = build / "tidy"
    folder.mkdir(exist_ok=True)
    (folder / "compile_commands.json").write_text(json.dumps(list(entries.values())))

    sources = chosen(args.files, entries, cache)
    todo = []
    for source in sources:
        stamp = folder / f"{source}.clean"
        mark = fingerprint(source, entries[source], included(source, cache))
        if not stamp.is_file() or stamp.read_text() != mark:
            todo.append((source, folder, stamp, mark))
    clean = True
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for good, text in pool.map(lambda job: tidy(*job), todo):
            clean = clean and good
            sys.stdout.write(text)
            sys.stdout.flush()
    print(f"tidy: {len(sources)} sources, {len(todo)} of them looked at" if clean else "tidy: see above")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
