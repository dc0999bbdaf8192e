#!/usr/bin/env python3
"""Makes seeds for bundle_fuzz from bundles: make_bundle_seeds.py OUT_DIR PREFIX..."""
import glob
import os
import struct
import sys

out_dir, prefixes = sys.argv[1], sys.argv[2:]
os.makedirs(out_dir, exist_ok=True)
for number, prefix in enumerate(prefixes):
    with open(prefix + ".index", "rb") as file:
        index = file.read()
    data = b""
    for name in sorted(glob.glob(prefix + ".data-*")):
        with open(name, "rb") as file:
            data += file.read()
    for first in (b"", b"\x01"):  # the second form asks the target to mend checksums
        with open(os.path.join(out_dir, f"seed{number}{'m' if first else ''}"), "wb") as file:
            file.write(struct.pack("<I", len(index)) + index + (first + data[1:] if first else data))
