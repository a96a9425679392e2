#!/usr/bin/env python3
"""clang-tidy (checks of .clang-tidy) over src/. A file that passed is skipped until it or a header changes."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STAMPS = ROOT / "build/tidy"


def include_flags():
    """Flags of the fuzz preset: the one that clang compiles."""
    commands = json.loads((ROOT / "build/fuzz/compile_commands.json").read_text())
    return {c["file"]: c for c in commands}


def main():
    headers = hashlib.sha256()
    for h in sorted((ROOT / "src").rglob("*.h")) + [ROOT / ".clang-tidy"]:
        headers.update(h.read_bytes())
    STAMPS.mkdir(parents=True, exist_ok=True)
    known = include_flags()

    def tidy(path):
        text = path.read_bytes()
        stamp = STAMPS / hashlib.sha256(headers.digest() + str(path).encode() + text).hexdigest()
        if stamp.exists():
            return None
        done = subprocess.run(["clang-tidy-19", "--quiet", "-p", str(ROOT / "build/fuzz"), str(path)],
                              capture_output=True, text=True)
        if done.returncode == 0:
            stamp.touch()
            return None
        return re.sub(r"^\d+ warnings.*\n", "", done.stdout, flags=re.M) or done.stderr

    files = [p for p in sorted((ROOT / "src").rglob("*.cc")) if str(p) in known]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for output in pool.map(tidy, files):
            if output:
                failed += 1
                print(output)
    print(f"tidy: {len(files)} files, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
