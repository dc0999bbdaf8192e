#!/usr/bin/env python3
"""Makes fuzz/seeds/ for bundle, graph and archive: make_seeds.py (needs protoc and Python's protobuf, as the judges do).

hparams and locate have seeds written by hand; h5 begins with the files in src/checkpoint/testdata.
"""

import gzip
import importlib
import io
import pathlib
import struct
import subprocess
import sys
import tarfile
import tempfile

FUZZ = pathlib.Path(__file__).resolve().parent
CHECKPOINT = FUZZ.parent / "src" / "checkpoint"
BUNDLES = ("keras", "partitioned", "sharded")


def write(target, name, data):
    path = FUZZ / "seeds" / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def bundle_files(name):
    folder = CHECKPOINT / "testdata"
    return [folder / f"{name}.index", *sorted(folder.glob(f"{name}.data-*"))]


def bundle_seeds():
    for name in BUNDLES:
        index, *shards = (path.read_bytes() for path in bundle_files(name))
        data = b"".join(shards)
        write("bundle", name, struct.pack("<I", len(index)) + index + data)
        # With this bit the target mends the checksums.
        write("bundle", name + "_mended", struct.pack("<I", len(index)) + index + bytes([data[0] | 1]) + data[1:])


def graph_messages():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", f"--proto_path={CHECKPOINT}", f"--python_out={folder}", "proto/graph.proto", "proto/tensor_bundle.proto"], check=True)
        sys.path.insert(0, folder)
        return importlib.import_module("proto.graph_pb2")


def field(number, data):
    """A length-delimited protobuf field; lengths below 16384."""
    size = bytes([len(data)]) if len(data) < 128 else bytes([len(data) & 0x7F | 0x80, len(data) >> 7])
    return bytes([number << 3 | 2]) + size + data


def graph_seeds():
    messages = graph_messages()

    def nodes(name, tensor):
        node = messages.Node(name=name, op=b"Const", attr=[messages.Attribute(key=b"value", value=messages.AttributeValue(tensor=tensor))])
        read = messages.Node(name=name + b"/read", op=b"Identity", input=[name])
        return field(1, node.SerializeToString()) + field(1, read.SerializeToString())

    def tensor(dtype, shape, **values):
        made = messages.TensorValue(dtype=dtype, **values)
        for size in shape:
            made.tensor_shape.dim.add(size=size)
        return made

    graph = b"".join(
        (
            nodes(b"stem/kernel", tensor(1, [2, 2], tensor_content=struct.pack("<4f", 1, 2, 3, 4))),
            nodes(b"stem/bias", tensor(1, [5], float_val=[0.5])),
            nodes(b"double", tensor(2, [2], double_val=[1, 2])),
            nodes(b"half", tensor(19, [3], half_val=[0x3C00, 0x7C00])),
            nodes(b"step", tensor(9, [], tensor_content=struct.pack("<q", 7))),
        )
    )
    write("graph", "frozen", b"\0" + graph)
    write("graph", "saved_model", b"\1" + field(2, field(2, graph)))


def tar_of(files, **options):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", **options) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue().rstrip(b"\0") + bytes(1024)


def archive_seeds():
    files = {f"d0/{path.name}": path.read_bytes() for path in bundle_files("sharded")}
    state = {"d0/checkpoint": b'model_checkpoint_path: "sharded"\n'}
    two = {**files, **state, **{f"d0/{path.name}": path.read_bytes() for path in bundle_files("keras")}}
    write("archive", "ustar", b"\1" + tar_of(files, format=tarfile.USTAR_FORMAT))
    write("archive", "gnu_long_name", b"\1" + tar_of({"x" * 150 + "/m.index": b"text"}, format=tarfile.GNU_FORMAT))
    write("archive", "pax", b"\3" + tar_of({**files, "ü" * 80: b""}, format=tarfile.PAX_FORMAT))
    write("archive", "two_checkpoints", b"\3" + tar_of(two))
    write("archive", "saved_model", b"\1" + tar_of({"variables/" + name[3:]: data for name, data in files.items()} | {"saved_model.pb": b""}))
    write("archive", "gzip", b"\0" + gzip.compress(tar_of(files), mtime=0))


if __name__ == "__main__":
    bundle_seeds()
    graph_seeds()
    archive_seeds()
