#!/usr/bin/env python3
"""The role of packaging/ansible, by a real ansible-playbook over a real sshd onto a stand-in device.

    ansible_test.py --edet PROGRAM --work FOLDER [--debian11 FOLDER]

ansible-playbook is the one of PATH, or is fetched into WORK/ansible by pip; skipped where neither can be had.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import arm
import device

PLAYBOOK = arm.SOURCE / "packaging/ansible/site.yml"


def ansible_playbook(work):
    found = shutil.which("ansible-playbook")
    if found:
        return found
    program = work / "ansible/bin/ansible-playbook"
    if not program.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", work / "ansible"], check=True, capture_output=True)
            subprocess.run([work / "ansible/bin/pip", "-q", "install", "ansible-core"], check=True, capture_output=True, timeout=300)
        except (OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(work / "ansible", ignore_errors=True)
            arm.skip(f"no ansible-playbook, and pip cannot fetch ansible-core: {error}")
    return program


class Role(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.base = pathlib.Path(tempfile.mkdtemp(prefix="edet-ansible-"))
        cls.addClassCleanup(shutil.rmtree, cls.base)
        cls.playbook = ansible_playbook(OPTIONS.work)
        cls.launcher = arm.launcher(OPTIONS.debian11)
        cls.library = arm.build_library(OPTIONS.work / "aarch64")
        cls.model = arm.convert(OPTIONS.edet, cls.base / "model", target="xavier-jp5")
        cls.a = cls.bundle("a.tar.gz")
        (cls.model / "labels.txt").write_text("one\ntwo\nthree\n")
        cls.b = cls.bundle("b.tar.gz")

    @classmethod
    def bundle(cls, name):
        path = cls.base / name
        subprocess.run([OPTIONS.edet, "-q", "bundle", cls.model, "--target", "xavier-jp5", "--parser-library", cls.library, "-o", path], check=True)
        return path

    def setUp(self):
        self.device = device.Device(self.launcher)
        self.addCleanup(self.device.close)
        self.dir = self.device.home / "edet/model"

    def play(self, bundle, code=0, **more):
        """Runs the playbook; how many tasks changed something, and what it printed."""
        inventory = self.device.folder / "inventory"
        inventory.write_text(f"device ansible_ssh_common_args='-F {self.device.config}' ansible_ssh_transfer_method=piped ansible_python_interpreter={sys.executable}\n")
        extra = [word for key, value in {"edet_bundle": bundle, **more}.items() for word in ("-e", f"{key}={value}")]
        environment = {**os.environ, "ANSIBLE_HOME": str(self.device.folder / "ansible"), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": "1", "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=3s", "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.device.folder / "cp")}
        done = subprocess.run([self.playbook, "-i", inventory, PLAYBOOK, *extra], env=environment, capture_output=True, text=True, timeout=240)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return int(re.search(r"changed=(\d+)", done.stdout).group(1)), done.stdout

    def whole(self):
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=self.dir / "current", check=True)

    def test_fresh_again_changed_and_away(self):
        self.assertGreater(self.play(self.a)[0], 0)
        self.whole()
        self.assertIn("pass", (self.dir / "current/.load_test").read_text())
        before = arm.tree(self.dir)
        self.assertEqual(self.play(self.a)[0], 0)
        self.assertEqual(arm.tree(self.dir), before)
        # What somebody damaged is put right.
        with open((self.dir / "current").resolve() / "model/labels.txt", "a") as file:
            file.write("x")
        self.assertGreater(self.play(self.a)[0], 0)
        self.whole()
        self.assertGreater(self.play(self.b)[0], 0)
        self.assertEqual((self.dir / "current/model/labels.txt").read_text(), "one\ntwo\nthree\n")
        self.assertEqual(self.play(self.b, edet_state="absent")[0], 1)
        self.assertFalse(self.dir.exists())
        self.assertEqual(self.play(self.b, edet_state="absent")[0], 0)

    def test_library_that_fails_there(self):
        self.play(self.a)
        before = os.readlink(self.dir / "current")
        self.device.set_launcher("false")
        self.assertIn("fails its test", self.play(self.b, code=2)[1])
        self.assertEqual(os.readlink(self.dir / "current"), before)
        self.whole()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edet", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--debian11", type=pathlib.Path)
    OPTIONS, rest = parser.parse_known_args()
    OPTIONS.work = OPTIONS.work.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
