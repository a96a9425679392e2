#!/usr/bin/env python3
"""clang-tidy (checks of .clang-tidy) over the sources of src/. What passed is kept per machine, by the bytes of all
that was read and by the rules.

Two passes: each file is compiled alone, since lumps would hide a missing include; the checks then run over lumps of a
module's files, since they walk through all headers too, several times.
"""
import concurrent.futures
import itertools
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATABASE = ROOT / "build/tidy"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
PASSED = CACHE / "penstock/tidy"
LUMPS = DATABASE / "lumps"
LUMP_BYTES = 100_000


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


def stamp_of(what, paths, rules):
    digest = hashlib.sha256(rules + what)
    for read in sorted(set().union(*map(everything_read, paths))):
        digest.update(str(read.relative_to(ROOT)).encode() + b"\0" + hashlib.sha256(read.read_bytes()).digest())
    return PASSED / digest.hexdigest()


def rules_digest():
    version = subprocess.run(["clang-tidy-19", "--version"], capture_output=True, check=True).stdout
    flags = (ROOT / "cmake/Flags.cmake").read_bytes() + (ROOT / "CMakePresets.json").read_bytes()
    return hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + version + flags).digest()


def flags_of(command):
    """What the compiler is told about a file, without the file and its output."""
    words = shlex.split(command["command"])[1:]
    return words[:words.index("-o")]


def module_of(path):
    return path.relative_to(ROOT / "src").parts[0]


def lumps_of(paths):
    """Lists of a module's files, up to some bytes together; a program's main() stays alone."""
    for _, files in itertools.groupby(paths, key=lambda path: path if path.stem.endswith("_main") else module_of(path)):
        lump, size = [], 0
        for path in files:
            if size > LUMP_BYTES:
                yield lump
                lump, size = [], 0
            lump.append(path)
            size += path.stat().st_size
        yield lump


def main():
    PASSED.mkdir(parents=True, exist_ok=True)
    LUMPS.mkdir(parents=True, exist_ok=True)
    commands = {c["file"]: c for c in json.loads((DATABASE / "compile_commands.json").read_text())}
    rules = rules_digest()

    def passes(what, paths, command):
        stamp = stamp_of(what, paths, rules)
        if stamp.exists():
            return None
        done = subprocess.run(command, capture_output=True, text=True, cwd=DATABASE)
        if done.returncode == 0:
            stamp.touch()
            return None
        return re.sub(r"^\d+ warnings.*\n", "", done.stdout, flags=re.M) or done.stderr

    def alone(path):
        return passes(b"alone", [path], ["clang++-19", *flags_of(commands[str(path)]), "-fsyntax-only", str(path)])

    def check(numbered):
        number, lump = numbered
        text = "".join(f'#include "{path.relative_to(ROOT / "src")}"\n' for path in lump)
        source = LUMPS / f"{module_of(lump[0])}_{number}.cc"
        source.write_text(text)
        return passes(text.encode(), lump, ["clang-tidy-19", "--quiet", f"--config-file={ROOT / '.clang-tidy'}",
                                            str(source), "--", *flags_of(commands[str(lump[0])])])

    files = [p for p in sorted((ROOT / "src").rglob("*.cc")) if str(p) in commands and not p.stem.endswith("_test")]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for output in itertools.chain(pool.map(check, enumerate(lumps_of(files))), pool.map(alone, files)):
            if output:
                failed += 1
                print(output)
    print(f"tidy: {len(files)} files, {failed} with findings")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main())
