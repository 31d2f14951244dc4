#!/usr/bin/env python3
"""Runs the end-to-end cases of tests/cases: a command line of `frugal` and what it must print.

A .case file holds cases separated by lines of `---`; a line that starts with `#` is a comment. `key: value` on one
line, or `key:` alone and the value below it, indented by two spaces:

    name: ids of a greeting
    run: frugal tokenize {model} "Hello" --json
    expect-json: {"ids": [19556]}

    name           a sentence (one a case)
    needs          a file of the checkout; where it is absent the case is skipped ({model} is needed where it is used)
    file NAME      writes the value to {tmp}/NAME first; {tmp} and {repo} stand for the folders in it too
    run            the command; several run one after the other, all but the last must succeed. Words as in a shell,
                   without its expansions; {model} {tmp} {repo} stand for the default model, a folder of the case's
                   own, the checkout
    stdin          standard input of the last command
    exit           its exit status (0)
    timeout        seconds for each command (120)
    expect         its whole standard output, line by line
    expect-regex   a pattern found in standard output, `^` and `$` at lines (may be repeated)
    expect-err-regex   the same for standard error
    reject-regex   a pattern found in neither
    expect-json    standard output as JSON (or JSON lines, taken as a list) contains this: an object may have more
                   members, a list is compared whole, numbers within `tolerance`. {"$any": true} fits anything,
                   {"$min": a, "$max": b} a number in a range, {"$regex": "p"} a text, {"$len": n} a list's length
    tolerance      of numbers in expect-json, relative (1e-6)

Prints a line a case and at the end "N passed, N failed". Exit status: 0; 1 when a case failed; 77 when all that did
not pass were skipped.
"""
import argparse
import json
import math
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

REPO = pathlib.Path(__file__).resolve().parent.parent
REPEATED = {"run", "expect-regex", "expect-err-regex", "reject-regex"}
KEYS = REPEATED | {"name", "needs", "stdin", "exit", "timeout", "expect", "expect-json", "tolerance"}


class Failure(Exception):
    """What a case found against what it expected."""


class Skip(Exception):
    """Why a case cannot run here."""


def parse(text, source):
    """The cases of a file: a list of {key: value or, for keys that repeat and for files, list}."""
    cases = []
    for number, part in enumerate(re.split(r"^---\s*$", text, flags=re.M), 1):
        case = {"files": []}
        lines = [line for line in part.split("\n") if not line.startswith("#")]
        while lines:
            line = lines.pop(0)
            if not line.strip():
                continue
            key, colon, value = line.partition(":")
            if not colon:
                raise SystemExit(f"{source}: case {number}: found {line!r}, expected 'key: value'")
            value = value.strip() or take_block(lines)
            add(case, key.strip(), value, f"{source}: case {number}")
        if "run" in case:
            case.setdefault("name", f"case {number}")
            cases.append(case)
        elif len(case) > 1:
            raise SystemExit(f"{source}: case {number} has no run line")
    return cases


def take_block(lines):
    """Takes the indented lines at the front of `lines` (blank ones between them included)."""
    block = []
    while lines and (lines[0].startswith("  ") or not lines[0].strip()):
        block.append(lines.pop(0)[2:])
    while block and not block[-1]:
        block.pop()
    return "\n".join(block)


def add(case, key, value, where):
    if key.startswith("file "):
        case["files"].append((key[5:].strip(), value + "\n"))
    elif key not in KEYS:
        raise SystemExit(f"{where}: unknown key {key!r}; keys: file NAME, {', '.join(sorted(KEYS))}")
    elif key in REPEATED:
        case.setdefault(key, []).append(value)
    elif key in case:
        raise SystemExit(f"{where}: {key!r} stands twice")
    else:
        case[key] = value


def match(found, expected, tolerance, path="$"):
    """Raises Failure where the JSON value `found` does not contain `expected`."""
    if isinstance(expected, dict) and any(key.startswith("$") for key in expected):
        match_operator(found, expected, path)
    elif isinstance(expected, dict):
        if not isinstance(found, dict):
            raise Failure(f"{path}: found {short(found)}, expected an object")
        for key, value in expected.items():
            if key not in found:
                raise Failure(f"{path}: no member {key!r}; there are {', '.join(found)}")
            match(found[key], value, tolerance, f"{path}.{key}")
    elif isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            raise Failure(f"{path}: found {short(found)}, expected a list of {len(expected)}: {short(expected)}")
        for i, value in enumerate(expected):
            match(found[i], value, tolerance, f"{path}[{i}]")
    elif not same(found, expected, tolerance):
        raise Failure(f"{path}: found {short(found)}, expected {short(expected)}")


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def same(found, expected, tolerance):
    if is_number(expected) and is_number(found):
        if isinstance(found, int) and isinstance(expected, int):
            return found == expected or abs(found - expected) <= tolerance * abs(expected)
        return math.isclose(found, expected, rel_tol=tolerance, abs_tol=tolerance * 1e-3)
    return type(found) is type(expected) and found == expected


def match_operator(found, expected, path):
    for key, value in expected.items():
        fits = {
            "$any": lambda: True,
            "$min": lambda: is_number(found) and found >= value,
            "$max": lambda: is_number(found) and found <= value,
            "$regex": lambda: isinstance(found, str) and re.search(value, found),
            "$len": lambda: isinstance(found, list) and len(found) == value,
        }.get(key)
        if fits is None:
            raise Failure(f"{path}: the case uses the unknown operator {key!r}")
        if not fits():
            raise Failure(f"{path}: found {short(found)}, expected {key} {value!r}")


def short(value, limit=400):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def read_json(text):
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError as error:
            raise Failure(f"standard output is not JSON ({error}): {short(text)}") from None


def check(case, status, out, err):
    """Compares what the last command did with the case; raises Failure."""
    if status != int(case.get("exit", 0)):
        raise Failure(f"exit status {status}, expected {case.get('exit', 0)}; standard error: {short(err.strip())}")
    if "expect" in case and out.rstrip("\n") != case["expect"]:
        raise Failure(f"standard output is\n{short(out, 2000)}\nexpected\n{case['expect']}")
    for key, text in (("expect-regex", out), ("expect-err-regex", err)):
        for pattern in case.get(key, []):
            if not re.search(pattern, text, re.M):
                raise Failure(f"{key} {pattern!r} is not in: {short(text)}")
    for pattern in case.get("reject-regex", []):
        if re.search(pattern, out + err, re.M):
            raise Failure(f"reject-regex {pattern!r} is in: {short(out + err)}")
    if "expect-json" in case:
        match(read_json(out), json.loads(case["expect-json"]), float(case.get("tolerance", 1e-6)))


def command(line, frugal, places):
    words = shlex.split(line)
    if not words or words[0] != "frugal":
        raise Failure(f"a command must begin with frugal: {line!r}")
    for name, value in places.items():
        words = [word.replace("{" + name + "}", str(value)) for word in words]
    return [str(frugal), *words[1:]]


def run(case, frugal, model):
    """Runs one case; raises Failure or Skip."""
    if any("{model}" in line for line in case["run"]) and not model.exists():
        raise Skip(f"the model {model} is not here; `make setup` fetches it")
    if "needs" in case and not (REPO / case["needs"]).exists():
        raise Skip(f"{case['needs']} is not here")
    with tempfile.TemporaryDirectory() as tmp:
        for name, content in case["files"]:
            (pathlib.Path(tmp) / name).write_text(content.replace("{tmp}", tmp).replace("{repo}", str(REPO)))
        places = {"model": model, "tmp": tmp, "repo": REPO}
        for i, line in enumerate(case["run"], 1):
            last = i == len(case["run"])
            status, out, err = execute(command(line, frugal, places), case, last)
            if not last and status != 0:
                raise Failure(f"command {i} of {len(case['run'])} exits with {status}: {short(err.strip())}")
        check(case, status, out, err)


def execute(words, case, last):
    seconds = float(case.get("timeout", 120))
    data = case.get("stdin", "") if last else ""
    try:
        done = subprocess.run(words, input=data.encode(), capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failure(f"still running after {seconds:g} s") from None
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def run_all(files, frugal, model):
    """Runs the cases of all files; returns how many passed, failed, were skipped."""
    count = {"ok": 0, "FAILED": 0, "skipped": 0}
    for file in files:
        for case in parse(file.read_text(), file):
            verdict, why = "ok", ""
            try:
                run(case, frugal, model)
            except Failure as failure:
                verdict, why = "FAILED", f": {failure}"
            except Skip as skip:
                verdict, why = "skipped", f": {skip}"
            count[verdict] += 1
            print(f"{verdict:8}{file.stem}: {case['name']}{why}", flush=True)
    return count["ok"], count["FAILED"], count["skipped"]


def main():
    arguments = argparse.ArgumentParser(description="Runs end-to-end cases; see the top of this file for their form.")
    arguments.add_argument("--frugal", type=pathlib.Path, required=True, help="the binary")
    arguments.add_argument("--model", type=pathlib.Path, default=REPO / "models/SmolLM2-135M-Instruct.Q4_1.gguf")
    arguments.add_argument("paths", nargs="+", type=pathlib.Path, help=".case files, or folders of them")
    options = arguments.parse_args()
    files = [f for p in options.paths for f in (sorted(p.glob("*.case")) if p.is_dir() else [p])]
    passed, failed, skipped = run_all(files, options.frugal.resolve(), options.model.resolve())
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 77 if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
