"""64-bit Arm on this machine: the cross compiler, qemu and a C library for it. Python's standard library only."""

import os
import pathlib
import shutil
import subprocess
import sys

SKIPPED = 77
SOURCE = pathlib.Path(__file__).resolve().parents[2]


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def launcher(debian11=None):
    """The command that runs an aarch64 program here, on Debian 11's C library where it was fetched (preset jetson)."""
    qemu = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if qemu is None:
        skip("no qemu-aarch64 (package qemu-user)")
    for root in filter(None, [debian11, "/usr/aarch64-linux-gnu"]):
        if (pathlib.Path(root) / "lib/ld-linux-aarch64.so.1").exists():
            return f"{qemu} -L {pathlib.Path(root).resolve()}"
    skip("no C library for aarch64 (package g++-aarch64-linux-gnu)")


def build_library(build, source=SOURCE):
    """The parser library for aarch64, by the Makefile alone, as a device would build it."""
    build = pathlib.Path(build).resolve()  # make would take a relative folder from its own
    compiler = shutil.which("aarch64-linux-gnu-g++")
    if compiler is None or shutil.which("make") is None:
        skip("no aarch64-linux-gnu-g++ or make (packages g++-aarch64-linux-gnu, make)")
    if shutil.which("ccache"):
        compiler = "ccache " + compiler
    subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "-C", source / "src/parser/library", f"BUILD={build}", f"CXX={compiler}", "CXXFLAGS=-O1 -DNDEBUG"], check=True)
    return build / "libnvdsinfer_efficientdet.so"


def convert(edet, folder, model="lite0", seed=1, target=None):
    """A small model's folder, as `edet convert` writes it: 7 MB, two slices of a transfer."""
    checkpoint = folder.with_name(folder.name + "-checkpoint")
    subprocess.run([edet, "-q", "untrained", "--model", model, "--seed", str(seed), "--num-classes", "3", "-o", checkpoint], check=True)
    size = ["--hparams", "image_size=64"]
    more = ["--target", target] if target else []
    labels = folder.with_name("labels.txt")
    labels.write_text("person\ncar\ndog\n")
    subprocess.run([edet, "-q", "convert", checkpoint, "--model", model, "--labels", labels, "--precision", "fp16", *size, *more, "-o", folder], check=True)
    return folder


def tree(folder):
    """Every path below a folder with what it is: content, link target or 'folder'."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        name = str(path.relative_to(folder))
        found[name] = os.readlink(path) if path.is_symlink() else "folder" if path.is_dir() else path.read_bytes()
    return found


if __name__ == "__main__":  # once, before the tests that share it run side by side
    if shutil.which("aarch64-linux-gnu-g++") and shutil.which("make"):
        build_library(pathlib.Path(sys.argv[1]) / "aarch64")
