#!/usr/bin/env python3
"""The program as `cmake --install` leaves it does its work from there, and knows the folder it was built in no more.

    installed_test.py --build FOLDER --cmake PROGRAM --openvino FOLDER --work FOLDER
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import arm


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.base = pathlib.Path(tempfile.mkdtemp(prefix="edet-installed-"))
        cls.addClassCleanup(shutil.rmtree, cls.base)
        cls.prefix = cls.base / "prefix"
        subprocess.run([OPTIONS.cmake, "--install", OPTIONS.build, "--prefix", cls.prefix], check=True, stdout=subprocess.DEVNULL)
        arm_library = cls.prefix / "lib/aarch64/libnvdsinfer_efficientdet.so"  # there already if the preset jetson was built
        if not arm_library.exists():
            arm_library.parent.mkdir(exist_ok=True)
            shutil.copy(arm.build_library(OPTIONS.work / "aarch64"), arm_library)

    def edet(self, *arguments):
        done = subprocess.run([self.prefix / "bin/edet", *arguments], cwd=self.base, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_checkpoint_to_bundle(self):
        self.assertRegex(self.edet("--version"), r"^\d+\.\d+\.\d+$")
        model = arm.convert(self.prefix / "bin/edet", self.base / "model", target="xavier-jp5")
        library = self.prefix / "lib/libnvdsinfer_efficientdet.so"
        self.assertEqual((model / library.name).read_bytes(), library.read_bytes())
        self.edet("config", "lint", model / "deepstream_app.txt", "--target", "xavier-jp5")
        self.edet("check", model / "model.onnx", "--target", "xavier-jp5")
        self.edet("inspect", model / "model.onnx", "--html", self.base / "network.html")
        self.edet("-q", "bundle", model, "--target", "xavier-jp5", "-o", self.base / "b.tar")
        listed = subprocess.run(["tar", "-tf", self.base / "b.tar"], check=True, capture_output=True, text=True).stdout
        for needed in ("libnvdsinfer_efficientdet.so", "/source/src/parser/library/Makefile", "install.sh", "SHA256SUMS"):
            self.assertIn(needed, listed)

    def test_names_nothing_of_the_build(self):
        found = [path for path in self.prefix.rglob("*") if path.is_file()]
        self.assertGreaterEqual(len(found), 3)
        allowed = os.fsencode(OPTIONS.openvino)  # where it was linked with OpenVINO, it looks for it
        for path in found:
            self.assertNotIn(os.fsencode(arm.SOURCE), path.read_bytes().replace(allowed, b""), path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--cmake", default="cmake")
    parser.add_argument("--openvino", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
