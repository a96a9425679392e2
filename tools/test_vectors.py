#!/usr/bin/env python3
"""Judges every folder of evidence below DIR with `penstock evidence verify` and compares the outcome, the reasons and
the claims with its expected.json. Prints a line per folder and closes with 'N passed, N failed, N skipped'.

  tools/test_vectors.py [--bin PENSTOCK] [-v] [DIR]      DIR: ../shared/vectors unless given
"""
import argparse
import concurrent.futures
import copy
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPPED_TYPES = {"eif": "until there are images", "sgxs": "until there are images", "snp-digest": "until there are images"}
GOOD = {"verdict": "accept", "signature": "valid", "measure": "compute", "parse": "parse"}
FOR_THE_TOOL = ("type", "ask", "at", "inputs", "anchors", "nonce", "tolerate", "absent", "formats", "params", "ear_profiles")
OPTIONAL_CODES = {"parse", "chain", "algorithm"}
MISSING = object()


def same(a, b):
    """Hex and case alike, with or without 0x; numbers and their texts."""
    if isinstance(a, dict) and isinstance(b, dict):
        return all(k in b and same(v, b[k]) for k, v in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b or a == b
    plain = lambda v: str(v).lower().removeprefix("0x")
    return plain(a) == plain(b)


def claim_of(claims, name):
    """The claim that stands for a field of expected.json, where it has another name."""
    if name in claims:
        return claims[name]
    if name == "published_pcrs":
        return claims.get("pcrs", MISSING)
    if name == "replayed_sha256":
        return claims.get("pcrs", {}).get("sha256", MISSING)
    if name == "rtmr_from_replay":
        return claims.get("rtmr_replayed", MISSING)
    if name.startswith("pcr") and name[3:].isdigit():
        for bank in claims.get("pcrs", {}).values():
            if name[3:] in bank:
                return bank[name[3:]]
    return MISSING


def judgements(expect):
    """The main judgement, then `also`, then `cases`, as (label, expect)."""
    plain = {k: v for k, v in expect.items() if k not in ("also", "cases", "case_role")}
    if plain.get("inputs") or not expect.get("cases"):
        yield "", plain
    for i, more in enumerate(expect.get("also", [])):
        one = copy.deepcopy(plain)
        for member in ("reasons", "clean", "or", "optional", "why"):
            one.pop(member, None)
        more = copy.deepcopy(more)
        if "type" not in more:
            more["inputs"] = dict(one["inputs"], **more.get("inputs", {}))
        yield f" also[{i}]", dict(one, **more)
    for case in expect.get("cases", []):
        one = {k: v for k, v in plain.items() if k not in ("reasons", "clean", "or")}
        one["inputs"] = case.get("inputs", {expect["case_role"]: case["file"]})
        yield f" {case['file']}", dict(one, **{k: v for k, v in case.items() if k != "file"})


def absolute(folder, value):
    if isinstance(value, list):
        return [absolute(folder, v) for v in value]
    return value if value == "builtin" else os.path.relpath(folder / value, "/")


def run(binary, folder, expect):
    """Judges in a folder of its own that says nothing about the outcome."""
    asked = {k: expect[k] for k in FOR_THE_TOOL if k in expect}
    with tempfile.TemporaryDirectory() as temporary:
        prefix = os.path.relpath("/", temporary)
        place = lambda v: [place(x) for x in v] if isinstance(v, list) else v if v == "builtin" else os.path.join(
            prefix, absolute(folder, v))
        asked["inputs"] = {role: place(v) for role, v in asked.get("inputs", {}).items()}
        asked["anchors"] = place(asked.get("anchors", ["builtin"]))
        pathlib.Path(temporary, "expected.json").write_text(json.dumps({"expect": asked}))
        done = subprocess.run([binary, "evidence", "verify", temporary, "--json"], capture_output=True, text=True,
                              errors="replace", timeout=60)
    if done.returncode not in (0, 1):
        return None, f"status {done.returncode}: {done.stderr.strip()[:300]}"
    try:
        return json.loads(done.stdout), ""
    except ValueError:
        return None, "no JSON"


def faults(expect, fields, answer, folder):
    """What is wrong with an answer; also the number of fields compared."""
    wanted = [expect["outcome"], *expect.get("or", [])]
    failed = [r for r in answer["rules"] if r["result"] == "fail"]
    codes = {r["code"] for r in failed}
    outcome, out = answer["outcome"], []
    if outcome not in wanted:
        valid_by_policy = "valid" in wanted and (outcome == "accept" or (outcome == "reject" and codes <= {"policy", "measurement"}))
        if not valid_by_policy:
            out.append(f"outcome {outcome}, expected {'|'.join(wanted)}; failed: "
                       + ", ".join(f"{r['name']} ({r['code']}): {r['seen'][:150]}" for r in failed))
    if outcome == "reject" and "reject" in wanted:
        if not failed:
            out.append("rejected, and no rule failed")
        if expect["outcome"] == "reject":
            out += [f"no rule failed for '{r}' (but {sorted(codes)})" for r in expect.get("reasons", []) if not codes & set(r.split("|"))]
            out += [f"'{c}' must not fail: " + "; ".join(r["seen"][:200] for r in failed if r["code"] == c)
                    for c in expect.get("clean", []) if c in codes]
    else:
        for rule in answer["rules"]:
            if rule["result"] == "not-checked":
                roles = rule["seen"].removeprefix("absent: ").split(", ")
                out += [f"{rule['name']} was not checked for want of {r}" for r in roles if r not in expect.get("absent", [])]
    compared = 0
    for name, value in fields.items():
        if name in expect.get("ignore", []):
            continue
        claim = claim_of(answer["claims"], name)
        if claim is MISSING:
            if name in expect.get("must", []):
                out.append(f"claim '{name}' is missing")
            continue
        compared += 1
        if not same(value, claim):
            out.append(f"claim '{name}' is {json.dumps(claim)[:200]}, expected {json.dumps(value)[:200]}")
    if expect.get("file") and "events" in answer["claims"]:
        out += compare_events(json.loads((folder / expect["file"]).read_text()), answer["claims"]["events"])
    return out, compared


def compare_events(published, events):
    part = lambda e: {"index": e["index"], "type_name": e["type_name"], "digests": e["digests"]}
    wanted = [part(e) for e in published["uefi_event_logs"]]
    return [] if wanted == events else ["the events differ from the published parse"]


def judge(binary, folder):
    """(word, id, expected, got, fields compared, fields) of a folder."""
    document = json.loads((folder / "expected.json").read_text())
    expect, name = document["expect"], document.get("id", folder.name)
    if expect["type"] in SKIPPED_TYPES:
        return "SKIP", name, expect.get("outcome", ""), SKIPPED_TYPES[expect["type"]], 0, 0
    problems, got, skips, compared, judged, fields = [], [], [], 0, 0, 0
    for label, one in judgements(expect):
        judged += 1
        answer, error = run(binary, folder, one)
        if answer is None:
            if one.get("optional") and "not judged here" in error:
                skips.append(f"unsupported{label}")
                continue
            problems.append(f"{label.strip() or 'main'}: {error}")
            continue
        got.append(answer["outcome"])
        if one.get("optional") and answer["outcome"] == "reject" and "reject" not in (one["outcome"], *one.get("or", [])):
            codes = {r["code"] for r in answer["rules"] if r["result"] == "fail"}
            if codes <= OPTIONAL_CODES:
                skips.append(f"unsupported{label}")
                continue
        own = dict(one.get("claims", {}))
        if not label:
            own = dict(document.get("fields", {}), **own)
        wrong, count = faults(one, own, answer, folder)
        compared += count
        fields += len(own)
        problems += [f"{label.strip() or 'main'}: {w}" for w in wrong]
    if problems:
        return "FAIL", name, expect["outcome"], "\n    ".join(problems), compared, fields
    if skips and len(skips) == judged:
        return "SKIP", name, expect["outcome"], ", ".join(skips), compared, fields
    return "PASS", name, expect["outcome"], ",".join(got) + (f" ({', '.join(skips)})" if skips else ""), compared, fields


def find_binary():
    for preset in ("asan", "dev"):
        path = ROOT / "build" / preset / "bin" / "penstock"
        if path.exists():
            return str(path)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=find_binary())
    parser.add_argument("-v", action="store_true", help="also how many claims were compared")
    parser.add_argument("dir", nargs="?", default=str(ROOT / ".." / "shared" / "vectors"))
    args = parser.parse_args()
    if args.bin is None or shutil.which(args.bin) is None:
        print("test_vectors: there is no test build of penstock: bash tools/dev/build.sh asan penstock", file=sys.stderr)
        return 2
    top = pathlib.Path(args.dir).resolve()
    if not top.is_dir():
        print(f"SKIP vectors: there is no folder {args.dir}\n0 passed, 0 failed, 1 skipped")
        return 0
    folders = sorted(p.parent for p in top.rglob("expected.json") if "expect" in json.loads(p.read_text()))
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for word, name, expected, got, compared, fields in pool.map(lambda f: judge(args.bin, f), folders):
            counts[word] += 1
            more = f" [{compared} of {fields} claims compared]" if args.v else ""
            print(f"{word} {name} {expected} {got}{more}", flush=True)
    print(f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped")
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
