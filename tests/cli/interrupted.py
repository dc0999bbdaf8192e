#!/usr/bin/env python3
"""A signal ends what edet does: a run keeps what it has, anything else leaves nothing behind.

    interrupted.py --edet PROGRAM
"""

import argparse
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

FRAMES = 1500


class Interrupted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.base = pathlib.Path(tempfile.mkdtemp(prefix="edet-interrupted-"))
        cls.addClassCleanup(shutil.rmtree, cls.base)
        cls.video = cls.base / "street.mp4"
        cls.edet("synth", "-o", cls.video, "--frames", str(FRAMES), "--size", "320x240")
        cls.edet("untrained", "--model", "lite0", "-o", cls.base / "weights")
        cls.edet("convert", cls.base / "weights", "--hparams", "image_size=128", "-o", cls.base / "model")

    @classmethod
    def edet(cls, *arguments):
        subprocess.run([OPTIONS.edet, "-q", *arguments], check=True, stdout=subprocess.DEVNULL)

    def setUp(self):
        self.out = self.base / self.id().rsplit(".", 1)[1]
        self.out.mkdir()

    def start(self, *arguments):
        return subprocess.Popen([OPTIONS.edet, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def wait_for(self, process, pattern, size):
        """Until a file of this pattern has that size: the program is in the middle of its work."""
        while not any(path.stat().st_size >= size for path in self.out.rglob(pattern)):
            self.assertIsNone(process.poll(), "it ended before anything was to be seen")
            time.sleep(0.01)

    def run_until(self, size):
        process = self.start("run", self.base / "model", self.video, "-o", self.out, "--jsonl", self.out / "o.jsonl", "--json")
        self.wait_for(process, "*.partial-*.jsonl", size)
        return process

    def test_a_run_keeps_what_it_has(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.run_until(2000)
            process.send_signal(number)
            summary = json.loads(process.communicate(timeout=60)[0])
            self.assertEqual(process.returncode, 128 + number)
            self.assertTrue(summary["stopped"])
            self.assertGreater(summary["frames"], 0)
            self.assertLess(summary["frames"], FRAMES)
            self.assertEqual(len((self.out / "o.jsonl").read_text().splitlines()), summary["frames"])
            self.assertEqual(sorted(path.name for path in self.out.iterdir()), ["o.jsonl", "out.mp4"])
            again = subprocess.run([OPTIONS.edet, "run", self.base / "model", self.out / "out.mp4", "-o", self.out / "again", "--no-video", "--json"], capture_output=True, text=True, check=True)
            self.assertEqual(json.loads(again.stdout)["frames"], summary["frames"])
            shutil.rmtree(self.out)
            self.out.mkdir()

    def test_the_second_signal_ends_a_run_at_once(self):
        process = self.run_until(2000)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGSTOP)  # both are there when it goes on
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)
        self.assertIn(process.returncode, (-signal.SIGINT, -signal.SIGTERM))  # whichever came second
        self.assertEqual(list(self.out.iterdir()), [])

    def test_nothing_is_left(self):
        process = self.start("synth", "-o", self.out / "long.mp4", "--frames", "90000")
        self.wait_for(process, ".long.partial-*", 1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGINT)
        self.assertEqual(list(self.out.iterdir()), [])

    def test_ignored_where_it_was_started_so(self):
        process = subprocess.Popen(["sh", "-c", 'trap "" INT; exec "$@"', "sh", OPTIONS.edet, "-q", "synth", "-o", self.out / "short.mp4", "--frames", "300"])
        self.wait_for(process, ".short.partial-*", 1)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(sorted(path.name for path in self.out.iterdir()), ["short.json", "short.mp4"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--edet", required=True)
    OPTIONS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
