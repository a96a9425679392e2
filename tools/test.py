#!/usr/bin/env python3
"""All tests, in stages; the last line is 'N passed, N failed'. ./dev test [--long] [STAGE...] runs some of them.

--long: the kill tests over Kafka with all their rounds (half an hour more).
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
KAFKA_VERSIONS = ("4.4.0", "3.9.2")
NOT_RUN = 77
TSAN = f"ignore_noninstrumented_modules=1 suppressions={ROOT}/tools/tsan.supp halt_on_error=1"


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed, failed, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped


def shell(command, **kwargs):
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", stdin=subprocess.DEVNULL, **kwargs)


def check(tally, name, command):
    done = shell(command)
    ok = done.returncode == 0
    print(f"  {name}: {'ok' if ok else 'FAILED'}", flush=True)
    if not ok:
        print(done.stdout[-6000:], flush=True)
    tally.add(ok, not ok)


def build(tally, preset, *targets):
    started = time.monotonic()
    done = shell(["bash", "tools/dev/build.sh", preset, *(targets or ["all"])])
    print(f"  build {preset}: {time.monotonic() - started:.0f} s", flush=True)
    if done.returncode != 0:
        print(done.stdout[-8000:], flush=True)
        tally.add(0, 1)
    return done.returncode == 0


def run_gtest(program, env, beside=(), only="*"):
    """beside: words before the program, which run it. Status 77 of those: it was not run, and they say why."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        started = time.monotonic()
        try:
            done = shell([*beside, str(program), f"--gtest_output=json:{report.name}", f"--gtest_filter={only}"],
                         env=dict(os.environ, **env), timeout=900)
            code, text = done.returncode, done.stdout
        except subprocess.TimeoutExpired as late:
            code, text = -1, f"{late.output or ''}\ntimed out"
        took = time.monotonic() - started
        try:
            counts = json.loads(pathlib.Path(report.name).read_text())
        except ValueError:
            if beside and code == NOT_RUN:
                return program.name, 0, 0, 1, took, text
            return program.name, 0, 1, 0, took, text  # died: no report
        skipped = sum(c.get("result") == "SKIPPED" for s in counts["testsuites"] for c in s["testsuite"])
        failed = counts["failures"] + counts.get("errors", 0)
        if code != 0 and failed == 0:
            failed = 1
        return program.name, counts["tests"] - failed - skipped, failed, skipped, took, text


def tell_gtest(tally, what, result):
    name, passed, failed, skipped, took, text = result
    print(f"  {what} {name}: {passed} passed, {failed} failed, {skipped} skipped, {took:.0f} s", flush=True)
    if failed or not passed:
        print(text[-8000:], flush=True)
    tally.add(passed, failed, skipped)


def gtests(tally, preset, env, kafka_versions):
    """The test programs of a preset, and topics' tests that need a broker over each of these Kafkas: beside each
    other, the latter first, since they wait most of the time."""
    programs = sorted((ROOT / "build" / preset / "bin").glob("*_test"))
    topics = ROOT / "build" / preset / "bin" / "topics_test"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() + 1) as pool:
        runs = {}
        for version in kafka_versions:
            beside = ["python3", "tools/kafka/with_broker.py", "--version", version]
            runs[pool.submit(run_gtest, topics, env, beside, "*kafka*:*Kafka*")] = f"{preset} Kafka {version}"
        for program in programs:
            runs[pool.submit(run_gtest, program, env)] = preset
        for run in concurrent.futures.as_completed(runs):
            tell_gtest(tally, runs[run], run.result())


def stage_checks(tally):
    check(tally, "layering", ["python3", "tools/check_layering.py"])
    check(tally, "layering check finds offences", ["python3", "tools/check_layering_test.py"])
    check(tally, "tree", ["python3", "tools/check_tree.py"])
    check(tally, "format", ["bash", "-c", "git ls-files '*.cc' '*.h' | xargs -r clang-format-19 --dry-run -Werror"])


def test_programs(modules=None):
    found = sorted({p.relative_to(ROOT / "src").parts[0] for p in (ROOT / "src").rglob("*_test.cc")})
    return [f"{m}_test" for m in found if modules is None or m in modules]


def stage_asan(tally):
    if build(tally, "asan", *test_programs()):
        env = {"ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1",
               "UBSAN_OPTIONS": "print_stacktrace=1"}
        gtests(tally, "asan", env, KAFKA_VERSIONS)


def judge_vectors(arguments):
    """(status, text) of tools/test_vectors.py with a test build of penstock: a release lets nobody replace anchors."""
    done = shell(["python3", "tools/test_vectors.py", "--bin", "build/asan/bin/penstock", *arguments],
                 env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    return done.returncode, done.stdout


def stage_vectors(tally):
    if not build(tally, "asan", "penstock"):
        return
    code, text = judge_vectors([])
    last = text.strip().splitlines()[-1] if text.strip() else ""
    print("".join(f"  {line}\n" for line in text.splitlines() if not line.startswith("PASS ")), end="", flush=True)
    counts = re.match(r"(\d+) passed, (\d+) failed, (\d+) skipped$", last)
    tally.add(*(map(int, counts.groups()) if counts else (0, 1)))


def vectors_alone(arguments):
    """`./dev test vectors [DIR]`: a line per folder, and the counts last."""
    if not build(Tally(), "asan", "penstock"):
        return 1
    code, text = judge_vectors(arguments)
    print(text, end="", flush=True)
    return code


def stage_tsan(tally):
    if build(tally, "tsan", *test_programs({"topics", "engine", "session", "server"})):
        gtests(tally, "tsan", {"TSAN_OPTIONS": TSAN}, KAFKA_VERSIONS[:1])


def python_with_requirements():
    """An interpreter with tests/requirements.txt, in build/venv. Without a package index the plain one: tests that
    need the packages then skip and say so."""
    venv, wanted = ROOT / "build" / "venv", ROOT / "tests" / "requirements.txt"
    python, stamp = venv / "bin" / "python", venv / "requirements.txt"
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return str(python)
    for command in (["/usr/bin/python3", "-m", "venv", "--clear", str(venv)],
                    [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(wanted)]):
        done = shell(command)
        if done.returncode != 0:
            print(f"  {' '.join(command)} did not work; the independent broker client is not run:\n"
                  f"{done.stdout[-1500:]}", flush=True)
            return "python3"
    stamp.write_text(wanted.read_text())
    return str(python)


def run_unittest(python, modules):
    """(passed, failed, skipped, seconds, text) of test modules of tests/e2e."""
    started = time.monotonic()
    env = dict(os.environ, PENSTOCK_BIN=str(ROOT / "build/release/bin"), PYTHONPATH="tests/e2e")
    done = shell([python, "-m", "unittest", "-v", *modules], env=env)
    ran = re.search(r"^Ran (\d+) tests?", done.stdout, re.M)
    count = lambda word: int(m.group(1)) if (m := re.search(rf"{word}=(\d+)", done.stdout)) else 0
    failed = count("failures") + count("errors")
    skipped = count("skipped")
    classes = len(re.findall(r"^setUpClass \(.*\.\.\. skipped", done.stdout, re.M))  # not among those that ran
    if not ran or (done.returncode != 0 and failed == 0):
        failed += 1
    total = int(ran.group(1)) if ran else 0
    return max(total - failed - (skipped - classes), 0), failed, skipped, time.monotonic() - started, done.stdout


SLOW_FIRST = ("test_kafka_network", "test_kafka_kill", "test_kafka_misbehaviour", "test_kafka_members")


def end_to_end(tally):
    """Modules beside each other, the slow ones first: most of them wait for brokers and for programs to end."""
    python = python_with_requirements()
    modules = sorted(path.stem for path in (ROOT / "tests" / "e2e").glob("test_*.py"))
    modules.sort(key=lambda name: name not in SLOW_FIRST)
    with concurrent.futures.ThreadPoolExecutor(2 * os.cpu_count()) as pool:
        runs = {pool.submit(run_unittest, python, [name]): name for name in modules}
        for run in concurrent.futures.as_completed(runs):
            passed, failed, skipped, took, text = run.result()
            print(f"  {runs[run]}: {passed} passed, {failed} failed, {skipped} skipped, {took:.0f} s", flush=True)
            for reason in sorted(set(re.findall(r"\.\.\. (skipped .*)$", text, re.M))):
                print(f"    {reason}", flush=True)
            if failed:
                print(text[-12000:], flush=True)
            tally.add(passed, failed, skipped)


CASES_PASSED = 341


def stream_cases(tally):
    """SQL cases by `penstock test`: ours, and the sample of ksqlDB's where it lies beside the project."""
    script = ["python3", "tools/stream_cases.py", "--bin", "build/release/bin"]
    sample = ROOT.parent / "shared" / "conformance" / "ksqldb"
    for how, more in (("", []), (", batched", ["--batched"])):
        check(tally, f"SQL cases{how}", script + more + ["--reasons", "--floor", "10", "tests/stream"])
        if sample.is_dir():
            check(tally, f"ksqlDB's cases{how}", script + more + ["--floor", str(CASES_PASSED), str(sample)])
    if not sample.is_dir():
        print("  ksqlDB's cases: skipped, ../shared/conformance/ksqldb is not there", flush=True)
        tally.add(0, 0, 1)


def stage_e2e(tally):
    if not build(tally, "release"):
        return
    end_to_end(tally)
    check(tally, "demo", ["python3", "tools/demo.py", "--bin", "build/release/bin"])
    if shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin"):
        check(tally, "demo over MQTT", ["python3", "tools/demo_mqtt.py", "--bin", "build/release/bin"])
    else:
        print("  demo over MQTT: skipped, mosquitto is not installed", flush=True)
        tally.add(0, 0, 1)
    if shell(["tools/kafka/kafka", "fetch"]).returncode == 0:
        check(tally, "demo over Kafka", ["python3", "tools/demo.py", "--bin", "build/release/bin", "--kafka"])
    else:
        print("  demo over Kafka: skipped, Kafka cannot be fetched here", flush=True)
        tally.add(0, 0, 1)
    stream_cases(tally)
    check(tally, "bench runs", ["build/release/bin/penstock_bench", "--records", "200000"])


def stage_fuzz(tally):
    if not build(tally, "asan", *(p.stem for p in sorted((ROOT / "fuzz").glob("*_fuzz.cc")))):
        return
    # A smoke test, the same inputs every time: seed and number of runs are fixed. ./dev fuzz searches for new ones.
    done = shell(["python3", "tools/fuzz.py", "--seconds", "10", "--runs", "20000", "--seed", "1"])
    print("".join(f"  {line}\n" for line in done.stdout.splitlines() if line.startswith("fuzz ")), end="")
    if done.returncode != 0:
        print(done.stdout[-8000:], flush=True)
    counts = re.findall(r"^(\d+) passed, (\d+) failed$", done.stdout, re.M)
    tally.add(*(map(int, counts[-1]) if counts else (0, 1)))


def stage_tidy(tally):
    if build(tally, "tidy", "librdkafka", "CMakeFiles/penstock_base.dir/cmake_pch.hxx.pch"):  # headers, nothing more
        check(tally, "clang-tidy", ["python3", "tools/tidy.py"])


# With the minutes that each may take on 2 cores from nothing but installed packages. All together stay below 60:
# CONTRIBUTING.md says how.
STAGES = {"checks": (stage_checks, 1), "asan": (stage_asan, 14), "vectors": (stage_vectors, 1), "fuzz": (stage_fuzz, 3), "e2e": (stage_e2e, 14),
          "tsan": (stage_tsan, 6), "tidy": (stage_tidy, 18)}


def main():
    words = sys.argv[1:]
    if "--long" in words:
        words.remove("--long")
        os.environ["PENSTOCK_LONG"] = "1"
    if words[:1] == ["vectors"] and len(words) <= 2:
        return vectors_alone(words[1:])
    wanted = words or list(STAGES)
    unknown = [w for w in wanted if w not in STAGES]
    if unknown:
        print(f"test: no stage '{unknown[0]}'; there are {', '.join(STAGES)}", file=sys.stderr)
        return 2
    tally, began = Tally(), time.monotonic()
    for name in wanted:
        started = time.monotonic()
        print(f"== {name}", flush=True)
        stage, minutes = STAGES[name]
        stage(tally)
        took = time.monotonic() - started
        late = "  ABOVE ITS BUDGET" if took > 60 * minutes else ""
        print(f"== {name}: {took / 60:.1f} min of {minutes}{late}", flush=True)
    budget = sum(STAGES[name][1] for name in wanted)
    print(f"== all: {(time.monotonic() - began) / 60:.1f} min of {budget}")
    if tally.skipped:
        print(f"{tally.skipped} skipped (each says why)")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
