#!/usr/bin/env python3
"""Lints a folder of downloaded DeepStream configs and counts what was found.

FOLDER may hold index.json: a list of {"local": path, "target": as --target takes it}; otherwise every file
below that looks like a config is taken, with --target for all. Nothing is downloaded here.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

MARKS = re.compile(rb"^\s*(\[property\]|\[application\]|\[source0\]|property:|primary-gie:|infer_config\s*\{)", re.M)


def listed(folder, default_target):
    """(file, target or None) of every config."""
    index = folder / "index.json"
    if index.exists():
        for row in json.loads(index.read_text()):
            if not row.get("duplicate"):
                yield pathlib.Path(row["local"]), row.get("target") or default_target
        return
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.stat().st_size < 1 << 20 and MARKS.search(file.read_bytes()):
            yield file, default_target


def lint(edet, files, target):
    """The findings of some files, or None with the output where the program failed."""
    command = [edet, "config", "lint", *map(str, files), "--json"] + (["--target", target] if target else [])
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
    try:
        if run.returncode in (0, 1):
            return json.loads(run.stdout)["findings"], ""
    except (ValueError, KeyError):
        pass
    return None, f"exit {run.returncode}: {(run.stderr or run.stdout)[-300:].decode('utf8', 'replace')}"


def lint_all(edet, by_target, failed):
    """Yields the findings of all files, many in one call; one by one where a call fails."""
    for target, files in by_target.items():
        for first in range(0, len(files), 50):
            some = files[first:first + 50]
            found, _ = lint(edet, some, target)
            for one in some if found is None else []:
                alone, trouble = lint(edet, [one], target)
                if alone is None:
                    failed.append({"file": str(one), "target": target, "trouble": trouble})
                found = (found or []) + (alone or [])
            for finding in found:
                yield {"target": target, **finding}


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

    by_target = collections.defaultdict(list)
    for file, target in listed(arguments.folder, arguments.target):
        by_target[target].append(file)
    counts, files_of, findings, failed = collections.Counter(), collections.defaultdict(set), [], []
    for finding in lint_all(arguments.edet, by_target, failed):
        finding["file"] = os.path.normpath(finding["file"])
        counts[(finding["rule"], finding["severity"])] += 1
        files_of[finding["rule"]].add(finding["file"])
        findings.append(finding)
    dirty = {finding["file"] for finding in findings}
    wrong = {finding["file"] for finding in findings if finding["severity"] == "error"}
    named = {str(file) for files in by_target.values() for file in files}
    order = {"error": 0, "warning": 1, "note": 2}
    result = {
        "files": len(named), "clean": len(named - dirty) - len(failed), "with_errors": len(wrong), "failed": failed,
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
