#!/usr/bin/env python3
"""The rules of the house that a machine can check. Prints the house's measures; exits 1 with a line for each breach.

 - Includes follow the arrows in MAP.md (`a <- b`: b may include a, and what a may include; a name with a file, such as
   kv/cache.h, allows that header alone), and so do the links in CMakeLists.txt. Tests may look anywhere.
 - LibTorch's headers stay in the folders that may include tensor/, and torch/torch.h in train/.
 - Every source begins with a comment that says why it exists (x.cc and x_test.cc may leave it to x.h); no source is
   longer than 600 lines.
 - The library never prints, exits or aborts: that is cli/'s, which turns errors into messages.
"""
import pathlib
import re
import statistics
import subprocess
import sys

REPO = pathlib.Path(__file__).resolve().parent.parent
LONGEST = 600
FORBIDDEN = re.compile(r"\b(?:std::(?:cout|cerr|clog|abort|terminate|exit)|(?<![\w:.>])(?:printf|puts|abort|exit|_exit) ?\(|fprintf\(std)")


def read_arrows(text):
    """The plan: folder -> the folders and single headers it may include directly."""
    block = re.search(r"```arrows\n(.*?)```", text, re.S).group(1)
    plan = {}
    for line in block.splitlines():
        groups = [[name.strip() for name in part.split(",")] for part in line.split("  ")[0].split("<-")]
        for names in groups:
            for name in names:
                plan.setdefault(name, set())
        for below, above in zip(groups, groups[1:]):
            for name in above:
                plan[name].update(below)
    return {name: below for name, below in plan.items() if name and not is_header(name)}


def is_header(name):
    return name.endswith(".h")


def closure(plan, folder):
    """All that `folder` may include: itself, what the arrows lead to, single headers as they stand."""
    seen, todo = set(), [folder]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += plan.get(name, ())
    return seen


def folder_of(path, plan):
    """The plan's folder of a path below src/: the longest that fits, so model/aten before model."""
    fits = [name for name in plan if path.startswith(name + "/")]
    return max(fits, key=len, default=None)


def wrong_includes(path, text, plan):
    folder = folder_of(path, plan)
    if folder is None:
        yield f"src/{path}: its folder is not in MAP.md's arrows"
        return
    allowed = closure(plan, folder)
    for target in re.findall(r'^\s*#\s*include "([^"]+)"', text, re.M):
        other = folder_of(target, plan)
        if other and other not in allowed and target not in allowed:
            yield f"src/{path} includes {target}: no arrow {other} <- {folder} in MAP.md"
    if "tensor" not in allowed and re.search(r"#\s*include <(?:ATen|c10|torch)/", text):
        yield f"src/{path} includes LibTorch: only folders above tensor/ may"
    if folder != "train" and "#include <torch/torch.h>" in text:
        yield f"src/{path} includes torch/torch.h: narrow ATen headers compile four times faster"


def wrong_links(text, plan):
    """The DEPS of CMakeLists.txt against the arrows."""
    paths = {name: path or name for name, path in re.findall(r"frugal_folder\((\w+)(?: PATH (\S+))?", text)}
    for name, deps in re.findall(r"frugal_folder\((\w+)[^)]*?DEPS ([^)]*)\)", text):
        folder = paths[name]
        allowed = closure(plan, folder) | {name for name in plan if f"{name}/cache.h" in closure(plan, folder)}
        for dep in deps.split():
            if dep in paths and paths[dep] not in allowed:
                yield f"CMakeLists.txt: {name} links {dep}: no arrow {paths[dep]} <- {folder} in MAP.md"


def wrong_source(path, text, paths):
    header = re.sub(r"(_test|_bench)?\.cc$", ".h", path)
    if not re.match(r"\s*(//|/\*|#pragma once\s*\n\s*//)", text) and (header == path or header not in paths):
        yield f"{path}: does not begin with a comment that says why it exists"
    if (lines := text.count("\n")) > LONGEST:
        yield f"{path}: {lines} lines, at most {LONGEST}"


def wrong_calls(path, text):
    if path.startswith("cli/"):
        return
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    for found in FORBIDDEN.findall(re.sub(r'"(?:\\.|[^"\\\n])*"', '""', code)):
        yield f"src/{path}: {found.strip()}: the library never prints, exits or aborts"


def sources():
    """The C++ files under src/, include/, tests/ and python/ that git knows or would add: (path, text)."""
    folders = [f for f in ("src", "include", "tests", "python", "bench") if (REPO / f).is_dir()]
    try:
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *folders], cwd=REPO, check=True,
                                capture_output=True, text=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive
        listed = [str(p.relative_to(REPO)) for f in folders for p in (REPO / f).rglob("*")]
    for path in sorted(listed):
        if path.endswith((".cc", ".h", ".cu", ".cuh")) and (REPO / path).is_file():
            yield path, (REPO / path).read_text(errors="replace")


def breaches(files, plan, cmake):
    yield from wrong_links(cmake, plan)
    paths = {path for path, _ in files}
    for path, text in files:
        yield from wrong_source(path, text, paths)
        if path.startswith("src/") and "_test." not in path and "_bench." not in path:
            yield from wrong_includes(path[4:], text, plan)
            yield from wrong_calls(path[4:], text)


def main():
    files = list(sources())
    plan = read_arrows((REPO / "MAP.md").read_text())
    found = list(breaches(files, plan, (REPO / "CMakeLists.txt").read_text()))
    lengths = sorted(text.count("\n") for path, text in files if "_test." not in path)
    if lengths:
        print(f"{len(lengths)} sources; lines: median {statistics.median(lengths):.0f}, p90 "
              f"{lengths[int(len(lengths) * 0.9)]}, longest {lengths[-1]} (aims: under 150, 350, {LONGEST})")
    for line in found:
        print(line)
    print(f"house: {len(found)} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
