#!/usr/bin/env python3
"""Writes the C++ of one service's wire layer from models/SERVICE: see docs/adr/0003-generated-wire-layer.md.

    generate_wire.py SERVICE OUTPUT_DIRECTORY      writes what changed
    generate_wire.py SERVICE OUTPUT_DIRECTORY --print-outputs    names the sources, for CMake
"""
import argparse
import pathlib
import sys

from wire_model import Model, Fault
import wire_emit


def write(path, text):
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("service")
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--print-outputs", action="store_true")
    args = parser.parse_args()
    try:
        model = Model(args.root, args.service)
        files = wire_emit.files(model)
    except Fault as fault:
        sys.exit(f"generate_wire: {args.service}: {fault}")
    folder = args.output / "wire" / args.service
    if args.print_outputs:
        print(";".join(str(folder / name) for name in files))
        return
    for name, text in files.items():
        write(folder / name, text)


if __name__ == "__main__":
    main()
