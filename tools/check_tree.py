#!/usr/bin/env python3
"""House rules that a compiler does not know. Prints file:line of each breach."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES_MAX = 800
README_LINES_MAX = 80
SPLIT_EXEMPT = {"src/engine/functions/builtin.cc"}  # tables

# pattern, why, where it is allowed all the same
BANS = [
    (re.compile(r"\bthrow\s"), "errors are values: return fail(...)",
     ("src/base/toml.cc",)),  # to toml11, from a container that it is given
    (re.compile(r"\bstd::cerr\b"), "use base/log.h, or fmt::print in cli", ("src/cli/", "src/app/")),
    (re.compile(r"\b(TODO|FIXME|XXX)\b"), "open an issue instead", ()),
    (re.compile(r"\brand\(\)|\bsrand\("), "use crypto/random.h or a seeded generator", ()),
    (re.compile(r"\bmemcmp\("), "secrets: equal_constant_time; else std::ranges::equal or views",
     ("src/topics/", "src/format/", "src/data/", "src/engine/", "src/seal/", "src/sql/", "bench/")),
    (re.compile(r"#include\s*<openssl/"), "only crypto and net know OpenSSL", ("src/crypto/", "src/net/")),
    (re.compile(r"#include\s*<(intel-)?ipsec"), "only crypto knows libipsec-mb", ("src/crypto/",)),
    (re.compile(r"#include\s*<rocksdb/"), "only topics knows RocksDB", ("src/topics/",)),
    (re.compile(r"#include\s*<librdkafka/"), "only topics/kafka knows librdkafka", ("src/topics/kafka/", "bench/")),
    (re.compile(r"#include\s*<boost/(beast|asio)"), "only net knows Beast", ("src/net/",)),
    (re.compile(r"#include\s*<simdjson"), "only format knows simdjson", ("src/format/",)),
    (re.compile(r"^(?!.*(unique|shared)_ptr).*\bnew\s+[A-Z]\w*\s*[({;]"), "std::make_unique, or unique_ptr<T>(new T)",
     ("src/base/crash_point.cc",)),
]
BAD_NAMES = re.compile(r"(^|_)(util|utils|helper|helpers|common|misc)(_|\.|$)")


def tracked(root):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=root,
                         capture_output=True, text=True, check=True).stdout
    return [f for f in out.splitlines() if (root / f).is_file()]


def strip_comment(line):
    return line.split("//", 1)[0]


def check_source(path, text):
    lines = text.splitlines()
    if len(lines) > LINES_MAX and path not in SPLIT_EXEMPT:
        yield f"{path}: {len(lines)} lines, at most {LINES_MAX}: split it by idea"
    if path.endswith(".h") and "#pragma once" not in text:
        yield f"{path}: has no #pragma once"
    for number, line in enumerate(lines, 1):
        if len(line) > 120:
            yield f"{path}:{number}: {len(line)} columns, at most 120"
        for pattern, why, allowed in BANS:
            if any(path.startswith(a) for a in allowed):
                continue
            subject = line if "TODO" in pattern.pattern else strip_comment(line)
            if pattern.search(subject) and "NOLINT" not in line:
                yield f"{path}:{number}: banned: {why}"


def check_modules(root):
    for folder in sorted((root / "src").iterdir()):
        readme = folder / "README.md"
        if not any(folder.rglob("*.cc")):
            continue
        if not readme.exists():
            yield f"src/{folder.name}: has no README.md"
        elif len(readme.read_text().splitlines()) > README_LINES_MAX:
            yield f"src/{folder.name}/README.md: more than {README_LINES_MAX} lines"


def main():
    found = []
    for path in tracked(ROOT):
        if BAD_NAMES.search(pathlib.Path(path).name):
            found.append(f"{path}: says nothing about what it holds; name it after its idea")
        if path.endswith((".cc", ".h")):
            found += check_source(path, (ROOT / path).read_text(errors="replace"))
    found += check_modules(ROOT)
    print("\n".join(found) if found else "tree: in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
