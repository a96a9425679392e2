#!/usr/bin/env python3
"""clang-tidy (checks of .clang-tidy) over the sources of src/, file by file: lumps would hide a missing include.

What passed is kept per machine, by the bytes of the file, of all headers that it includes and of the rules.
"""
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATABASE = ROOT / "build/tidy"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
PASSED = CACHE / "penstock/tidy"


@functools.cache
def includes(path):
    """Our headers that a file includes, directly."""
    found = re.findall(r'^#include "([^"]+)"', path.read_text(), re.M)
    return frozenset(p for p in (ROOT / "src" / name for name in found) if p.exists())


def everything_read(path):
    seen, waiting = {path}, [path]
    while waiting:
        for header in includes(waiting.pop()) - seen:
            seen.add(header)
            waiting.append(header)
    return sorted(seen)


def stamp_of(path, rules):
    digest = hashlib.sha256(rules)
    for read in everything_read(path):
        digest.update(str(read.relative_to(ROOT)).encode() + b"\0" + hashlib.sha256(read.read_bytes()).digest())
    return PASSED / digest.hexdigest()


def rules_digest():
    version = subprocess.run(["clang-tidy-19", "--version"], capture_output=True, check=True).stdout
    flags = (ROOT / "cmake/Flags.cmake").read_bytes() + (ROOT / "CMakePresets.json").read_bytes()
    return hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + version + flags).digest()


def main():
    PASSED.mkdir(parents=True, exist_ok=True)
    known = {command["file"] for command in json.loads((DATABASE / "compile_commands.json").read_text())}
    rules = rules_digest()

    def tidy(path):
        stamp = stamp_of(path, rules)
        if stamp.exists():
            return None
        done = subprocess.run(["clang-tidy-19", "--quiet", "-p", str(DATABASE), str(path)],
                              capture_output=True, text=True)
        if done.returncode == 0:
            stamp.touch()
            return None
        return re.sub(r"^\d+ warnings.*\n", "", done.stdout, flags=re.M) or done.stderr

    files = [p for p in sorted((ROOT / "src").rglob("*.cc")) if str(p) in known and not p.stem.endswith("_test")]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for output in pool.map(tidy, files):
            if output:
                failed += 1
                print(output)
    print(f"tidy: {len(files)} files, {failed} with findings")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main())
