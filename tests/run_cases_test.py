#!/usr/bin/env python3
"""Tests of the case runner: that it passes what fits, and above all that it fails what does not.

A small Python script stands in for the binary: it prints the arguments' text, what it reads, and exits as it is told.
"""
import contextlib
import io
import pathlib
import stat
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run_cases

STAND_IN = f"""#!{sys.executable}
import sys
verb, rest = sys.argv[1], sys.argv[2:]
if verb == "echo": print(" ".join(rest))
if verb == "cat": sys.stdout.write(open(rest[0]).read() if rest else sys.stdin.read())
if verb == "fail": sys.stderr.write("found nothing, expected something\\n"); sys.exit(int(rest[0]))
if verb == "hang": import time; time.sleep(30)
"""


class Cases(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.binary = pathlib.Path(self.folder.name) / "frugal"
        self.binary.write_text(STAND_IN)
        self.binary.chmod(self.binary.stat().st_mode | stat.S_IXUSR)

    def counts(self, text, model="no-such-model"):
        file = pathlib.Path(self.folder.name) / "x.case"
        file.write_text(text)
        with contextlib.redirect_stdout(io.StringIO()):
            return run_cases.run_all([file], self.binary, pathlib.Path(model))

    def passes(self, text):
        self.assertEqual(self.counts(text), (1, 0, 0))

    def fails(self, text):
        self.assertEqual(self.counts(text), (0, 1, 0))

    def test_output_is_compared_whole(self):
        self.passes("run: frugal echo 'a  b'\nexpect: a  b")
        self.passes("run: frugal cat\nstdin:\n  one\n\n  two\nexpect:\n  one\n\n  two\n")
        self.fails("run: frugal echo a b\nexpect: a")

    def test_exit_status_and_standard_error(self):
        self.passes("run: frugal fail 2\nexit: 2\nexpect-err-regex: ^found .*expected")
        self.fails("run: frugal fail 1\nexit: 2")
        self.fails("run: frugal fail 1")
        self.fails("run: frugal fail 2\nexit: 2\nexpect-err-regex: segmentation")

    def test_patterns(self):
        self.passes("run: frugal cat\nstdin:\n  a 1\n  b 2\nexpect-regex: ^b \\d$\nexpect-regex: ^a")
        self.fails("run: frugal echo b\nexpect-regex: ^b$\nexpect-regex: ^a$")
        self.fails("run: frugal echo b\nreject-regex: b")

    def test_json_is_contained(self):
        has = """run: frugal echo '{"a": [1, 2.5], "s": "text", "n": null, "t": true}'\nexpect-json: """
        for fits in ('{"a": [1, 2.5]}', '{"s": {"$regex": "^te"}}', '{"a": {"$len": 2}}', '{"n": null}', "{}",
                     '{"a": [{"$min": 1, "$max": 1}, {"$any": true}]}', '{"a": [1, 2.5000001]}'):
            self.passes(has + fits)
        for wrong in ('{"a": [1]}', '{"a": [1, 2.6]}', '{"b": 1}', '{"s": "tex"}', '{"t": 1}', '{"n": 0}', "[]",
                      '{"a": [{"$min": 2}, 2.5]}', '{"s": {"$min": 0}}', '{"a": {"$len": 3}}', '{"a": {"$odd": 1}}'):
            self.fails(has + wrong)
        self.passes(has + '{"a": [1, 2.6]}\ntolerance: 0.1')

    def test_json_lines_are_a_list_and_other_text_fails(self):
        self.passes("""run: frugal cat\nstdin:\n  {"a": 1}\n  {"a": 2}\nexpect-json: [{"a": 1}, {"a": 2}]""")
        self.fails("run: frugal echo nothing\nexpect-json: {}")

    def test_files_and_several_commands(self):
        self.passes("file a.txt:\n  hello\nrun: frugal echo first\nrun: frugal cat {tmp}/a.txt\nexpect: hello")
        self.fails("run: frugal fail 1\nrun: frugal echo second")

    def test_time_limit(self):
        self.fails("run: frugal hang\ntimeout: 0.2")

    def test_missing_things_skip_and_are_counted(self):
        self.assertEqual(self.counts("run: frugal echo {model}"), (0, 0, 1))
        self.assertEqual(self.counts("needs: no/such/file\nrun: frugal echo"), (0, 0, 1))
        self.assertEqual(self.counts("run: frugal echo {model}", model=__file__), (1, 0, 0))

    def test_several_cases_in_a_file(self):
        self.assertEqual(self.counts("# a comment\nrun: frugal echo\n---\nname: b\nrun: frugal fail 1\n---\n"), (1, 1, 0))

    def test_mistakes_in_a_case_file_are_errors(self):
        for text in ("run: frugal echo\nexpct: a", "just text", "name: a", "name: a\nname: b\nrun: frugal echo"):
            with self.assertRaises(SystemExit):
                self.counts(text)
        self.fails("run: echo a")


if __name__ == "__main__":
    unittest.main()
