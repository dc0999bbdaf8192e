#!/usr/bin/env python3
"""Lints a folder of downloaded DeepStream configs and counts what was found.

FOLDER may hold index.json: a list of {"local": path, "target": as --target takes it, "kind": ...}; otherwise every file
below that looks like a config is taken, with --target for all. Nothing is downloaded here.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

MARKS = re.compile(rb"^\s*(\[property\]|\[application\]|\[source0\]|property:|primary-gie:|infer_config\s*\{)", re.M)


def listed(folder, default_target):
    """(file, target or None, kind) of every config."""
    index = folder / "index.json"
    if index.exists():
        for row in json.loads(index.read_text()):
            if not row.get("duplicate"):
                yield pathlib.Path(row["local"]), row.get("target") or default_target, row["kind"]
        return
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.stat().st_size < 1 << 20 and MARKS.search(file.read_bytes()):
            yield file, default_target, ""


def lint(edet, file, target):
    """The findings of one file, or None with the output where the program failed."""
    command = [edet, "config", "lint", str(file), "--json"] + (["--target", target] if target else [])
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    try:
        if run.returncode in (0, 1):
            return json.loads(run.stdout)["findings"], ""
    except (ValueError, KeyError):
        pass
    return None, f"exit {run.returncode}: {(run.stderr or run.stdout)[-300:].decode('utf8', 'replace')}"


def markdown(result):
    lines = ["| rule | level | findings | files |", "| --- | --- | --- | --- |"]
    for row in result["rules"]:
        lines.append(f"| {row['rule']} | {row['severity']} | {row['findings']} | {row['files']} |")
    lines += ["", f"{result['files']} files, {result['clean']} without a finding, "
                  f"{result['with_errors']} with one of level error, {len(result['failed'])} not linted."]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--edet", required=True, help="the program")
    parser.add_argument("--target", help="for files whose version is not known")
    parser.add_argument("--json", type=pathlib.Path, help="write everything that was found")
    arguments = parser.parse_args()

    counts = collections.Counter()
    files_of = collections.defaultdict(set)
    findings, failed, seen = [], [], 0
    dirty, wrong = set(), set()
    for file, target, kind in listed(arguments.folder, arguments.target):
        seen += 1
        found, trouble = lint(arguments.edet, file, target)
        if found is None:
            failed.append({"file": str(file), "trouble": trouble})
            continue
        for finding in found:
            level = finding["severity"]
            counts[(finding["rule"], level)] += 1
            files_of[finding["rule"]].add(str(file))
            dirty.add(str(file))
            if level == "error":
                wrong.add(str(file))
            findings.append({"linted": str(file), "target": target, "kind": kind, **finding})
    order = {"error": 0, "warning": 1, "note": 2}
    result = {
        "files": seen, "clean": seen - len(dirty) - len(failed), "with_errors": len(wrong), "failed": failed,
        "rules": [{"rule": rule, "severity": level, "findings": number, "files": len(files_of[rule])}
                  for (rule, level), number in sorted(counts.items(), key=lambda c: (order[c[0][1]], -c[1]))],
        "findings": findings,
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1))
    print(markdown(result))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
