#!/usr/bin/env python3
"""Writes the files of this folder; see README.md.

python3 generate.py              writes good/, bad/ and both expected.json here
python3 generate.py --out DIR    writes them below DIR
python3 generate.py --check      writes nothing; exits 1 naming every file that differs
python3 generate.py --big DIR    writes the large and hostile files below DIR, with expected.json
"""
import argparse
import io
import sys
import zipfile
from pathlib import Path

sys.dont_write_bytecode = True

from generator import hostile, output  # noqa: E402

HERE = Path(__file__).resolve().parent


def members(content: bytes) -> dict[str, bytes]:
    """What an archive holds."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def difference(path: Path, content: bytes) -> str:
    """Why a committed file is not what the script writes; empty if it is."""
    if not path.exists():
        return "missing"
    present = path.read_bytes()
    if present == content:
        return ""
    if zipfile.is_zipfile(path) and zipfile.is_zipfile(io.BytesIO(content)) and members(present) == members(content):
        return "same members, compressed by another zlib"
    return "differs"


def check(made: dict[str, bytes]) -> int:
    """Compares the committed files with fresh ones, both ways."""
    wrong = {name: difference(HERE / name, content) for name, content in made.items()}
    for folder in ("good", "bad"):
        for path in (HERE / folder).rglob("*"):
            wrong.setdefault(path.relative_to(HERE).as_posix(), "not written by the script")
    problems = {name: why for name, why in sorted(wrong.items()) if why}
    for name, why in problems.items():
        print(f"{name}: {why}")
    return 1 if problems else 0


def main() -> int:
    """Runs one of the four forms above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE, metavar="DIR")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--big", type=Path, metavar="DIR")
    options = parser.parse_args()
    if options.big:
        hostile.write(options.big)
        return 0
    made = output.everything()
    if options.check:
        return check(made)
    for name, content in made.items():
        path = options.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
