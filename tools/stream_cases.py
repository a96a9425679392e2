#!/usr/bin/env python3
"""Runs folders of `penstock test` cases and prints what passed, by file: tools/stream_cases.py --bin DIR FOLDER...

The last line is 'N passed, N failed'. --reasons names the cases that did not pass and why; --floor N is an error when
fewer pass."""
import argparse
import json
import pathlib
import subprocess
import sys


def run(penstock, file, batched):
    command = [str(penstock), "test", "--json", str(file)] + (["--batched"] if batched else [])
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode not in (0, 1):
        sys.exit(f"{file}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def reason(case):
    if case["rejected"]:
        return f"{case['rejected']['code']}: {case['rejected']['message'].splitlines()[0]}"
    if case["failed"]:
        return case["failed"]["message"].splitlines()[0]
    return "other outputs than expected (penstock test FILE says which)"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--reasons", action="store_true")
    parser.add_argument("--batched", action="store_true")
    parser.add_argument("--floor", type=int, default=0)
    options = parser.parse_args()
    passed = failed = 0
    for file in sorted(f for folder in options.folders for f in folder.rglob("*.json")):
        cases = run(options.bin / "penstock", file, options.batched)
        bad = [case for case in cases if case["verdict"] != "pass"]
        passed += len(cases) - len(bad)
        failed += len(bad)
        print(f"{file.name}: {len(cases) - len(bad)} of {len(cases)}")
        for case in bad if options.reasons else []:
            print(f"    {case['verdict']} {case['id']}\n        {reason(case)}")
    print(f"{passed} passed, {failed} failed")
    if passed < options.floor:
        sys.exit(f"fewer than the {options.floor} that passed before")


if __name__ == "__main__":
    main()
