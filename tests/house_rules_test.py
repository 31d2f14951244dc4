#!/usr/bin/env python3
"""Tests of house_test.py: each rule lets through what it should and finds a planted breach."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import house_test as house

PLAN = house.read_arrows("""text
```arrows
base <- text <- io
base <- ops <- kv
base <- tensor
io, kv/cache.h <- model  a remark
model, tensor <- model/aten
```
""")
CMAKE = "frugal_folder(base)\nfrugal_folder(io DEPS text)\nfrugal_folder(text DEPS base)\nfrugal_folder(kv)\n"


def found(path, text, cmake=CMAKE):
    return list(house.breaches([(path, "// Why.\n" + text)], PLAN, cmake))


class House(unittest.TestCase):
    def test_arrows_reach_through_what_lies_between(self):
        for path, include in (("src/io/a.cc", "base/error.h"), ("src/model/a.h", "text/a.h"), ("src/io/a.cc", "io/b.h"),
                              ("src/model/aten/a.cc", "tensor/a.h"), ("src/model/a.cc", "kv/cache.h")):
            self.assertEqual(found(path, f'#include "{include}"\n'), [], path)

    def test_includes_against_the_arrows_are_found(self):
        for path, include in (("src/base/a.cc", "text/a.h"), ("src/model/a.h", "kv/policy.h"), ("src/ops/a.cc", "tensor/a.h"),
                              ("src/model/a.cc", "model/aten/a.h"), ("src/model/a.cc", "tensor/a.h"), ("src/text/a.cc", "ops/a.h")):
            self.assertEqual(len(found(path, f'#include "{include}"\n')), 1, path)
            self.assertEqual(found(path.replace("/a.", "/a_test."), f'#include "{include}"\n'), [], path)

    def test_a_folder_outside_the_plan_is_found(self):
        self.assertEqual(len(found("src/other/a.cc", "")), 1)

    def test_libtorch_stays_above_tensor(self):
        self.assertEqual(found("src/tensor/a.cc", "#include <ATen/ATen.h>\n"), [])
        self.assertEqual(len(found("src/ops/a.cc", "#include <ATen/ATen.h>\n")), 1)
        self.assertEqual(len(found("src/tensor/a.cc", "#include <torch/torch.h>\n")), 1)

    def test_links_against_the_arrows_are_found(self):
        self.assertEqual(found("src/base/a.cc", "", CMAKE + "frugal_folder(model DEPS io kv EXCLUDE aten)"), [])
        self.assertEqual(len(found("src/base/a.cc", "", CMAKE + "frugal_folder(ops DEPS text)")), 1)

    def test_length_and_opening_comment(self):
        self.assertEqual(len(found("src/base/a.cc", "\n" * 600)), 1)
        self.assertEqual(len(list(house.breaches([("src/base/a.cc", "int a;\n")], PLAN, CMAKE))), 1)
        pair = [("src/base/a.cc", "int a;\n"), ("src/base/a.h", "// Why.\n")]
        self.assertEqual(list(house.breaches(pair, PLAN, CMAKE)), [])

    def test_printing_and_exiting_are_found_outside_cli(self):
        for call in ('std::cerr << "a";', 'printf("a");', "std::abort();", "exit(1);", 'fprintf(stderr, "a");'):
            self.assertEqual(len(found("src/base/a.cc", f"void f() {{ {call} }}\n")), 1, call)
        for fine in ('auto s = "printf(1)";', "// calls exit(1)", "loop.exit(1);", "fmt::format(a);", "snprintf(b, n, f);"):
            self.assertEqual(found("src/base/a.cc", f"void f() {{ {fine} }}\n"), [], fine)


if __name__ == "__main__":
    unittest.main()
