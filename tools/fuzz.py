#!/usr/bin/env python3
"""Runs the fuzz targets of build/asan, two at a time. New inputs are kept in build/asan/corpus."""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build/asan/bin"


def run(target, seconds, seed, runs_max):
    name = target.name.removesuffix("_fuzz")
    grown = ROOT / "build/asan/corpus" / name
    grown.mkdir(parents=True, exist_ok=True)
    seeds = ROOT / "fuzz/corpus" / name
    command = [str(target), f"-max_total_time={seconds}", "-timeout=10", f"-seed={seed}", f"-runs={runs_max}", "-rss_limit_mb=2048",
               "-print_final_stats=1", f"-artifact_prefix={grown.parent}/{name}-crash-", str(grown)]
    if seeds.is_dir():
        command.append(str(seeds))
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0:quarantine_size_mb=64"))
    text = done.stdout.decode(errors="replace")
    runs = next((l.split()[-1] for l in text.splitlines() if "number_of_executed_units" in l), "?")
    return name, done.returncode, runs, text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help="names without _fuzz; all by default")
    parser.add_argument("--skip", nargs="*", default=[], help="targets to leave out")
    parser.add_argument("--seed", type=int, default=0, help="0: a new one each time")
    parser.add_argument("--runs", type=int, default=-1, help="inputs at most; -1: no limit")
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    targets = sorted(BIN.glob("*_fuzz"))
    if args.targets:
        targets = [t for t in targets if t.name.removesuffix("_fuzz") in args.targets]
    targets = [t for t in targets if t.name.removesuffix("_fuzz") not in args.skip]
    if not targets:
        print("fuzz: no such target", file=sys.stderr)
        return 2
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, code, runs, text in pool.map(lambda t: run(t, args.seconds, args.seed, args.runs), targets):
            print(f"fuzz {name}: {runs} inputs, {'ok' if code == 0 else 'FAILED'}", flush=True)
            if code != 0:
                failed += 1
                print(text[-3000:])
    print(f"{len(targets) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
