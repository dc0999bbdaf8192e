#!/usr/bin/env python3
"""The n-th read, write, sync, rename or allocation of `edet convert` fails: one line, the right exit code, and the output
folder as it was, byte for byte.

    failing_calls.py --edet PROGRAM --preload libfailing_calls.so

Every call up to the 12th fails once, then fewer and fewer of them, until a run gets through because it makes fewer calls.
"""

import argparse
import errno
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

BAD_INPUT = 3
CALLS = {
    "read": errno.EIO,
    "write": errno.ENOSPC,
    "create": errno.EROFS,
    "fsync": errno.EIO,
    "mkdir": errno.ENOSPC,
    "rename": errno.EACCES,
    "new": errno.ENOMEM,
}


def contents(folder):
    """Every file below a folder with the hash of its bytes; a leftover or a change shows."""
    return {path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


def convert(arguments, checkpoint, out, call="", number=0):
    settings = {"LD_PRELOAD": arguments.preload, "EDET_FAIL_AFTER": ".index", "EDET_FAIL_CALL": call,
                "EDET_FAIL_AT": str(number), "EDET_FAIL_ERRNO": str(CALLS.get(call, 0))} if call else {}
    return subprocess.run([arguments.edet, "--quiet", "convert", checkpoint, "-o", out], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **settings}, check=False)


def problems(run, before, after):
    lines = run.stderr.splitlines()
    if run.returncode != BAD_INPUT:
        yield f"exit code {run.returncode}, expected {BAD_INPUT}: {run.stderr.strip()[-300:]}"
    if len(lines) != 1 or not lines[0].startswith("edet: "):
        yield f"{len(lines)} lines on standard error, expected one that starts with 'edet: '"
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"{name} is " + ("left behind" if name not in before else "gone" if name not in after else "changed")


def numbers():
    number = 1
    while True:
        yield number
        number += max(1, number // 6)


def fail_each(arguments, call, checkpoint, out, expected):
    """(failures seen, problems) for one kind of call."""
    before, found = contents(out), []
    for runs, number in enumerate(numbers()):
        run = convert(arguments, checkpoint, out, call, number)
        if run.returncode == 0:
            if contents(out) != expected:
                found.append(f"{call} without a failure: other bytes than usual")
            return runs, found
        found += [f"{call} {number}: {problem}" for problem in problems(run, before, contents(out))]
        if len(found) > 8:
            return runs, found


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--edet", required=True)
    options.add_argument("--preload", required=True)
    arguments = options.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="edet-failing-") as name:
        folder = pathlib.Path(name)
        checkpoint, other, usual = folder / "checkpoint", folder / "other", folder / "usual"
        for seed, path in (("1", checkpoint), ("2", other)):
            subprocess.run([arguments.edet, "--quiet", "untrained", "--model", "d0", "--seed", seed, "-o", path], check=True)
        if convert(arguments, checkpoint, usual).returncode != 0:
            sys.exit("nothing to compare with: 'edet convert' failed")
        expected = contents(usual)
        for call in CALLS:
            # Once into no folder, once over what another checkpoint left there.
            for earlier in (False, True):
                out = folder / f"{call}-{earlier}"
                if earlier:
                    convert(arguments, other, out)
                runs, found = fail_each(arguments, call, checkpoint, out, expected)
                if runs == 0 and not (call == "mkdir" and earlier):
                    found.append(f"{call}: nothing failed")
                failed += bool(found)
                print(f"{'FAIL' if found else 'ok  '} {call}{' over an earlier output' if earlier else ''}: failed {runs} times", *found, sep="\n     ")
        for call in ("short", "no_exchange"):
            out = folder / call
            convert(arguments, other, out)
            run = convert(arguments, checkpoint, out, call)
            good = run.returncode == 0 and contents(out) == expected
            failed += not good
            print(f"{'ok  ' if good else 'FAIL'} {call}: {run.stderr.strip()}")
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
