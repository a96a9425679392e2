#!/usr/bin/env python3
"""The layering check must find a forbidden include, an unlisted module and a cycle."""
import json
import pathlib
import subprocess
import sys
import tempfile

CHECK = pathlib.Path(__file__).resolve().parent / "check_layering.py"


def run(modules, files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "tools").mkdir()
        (root / "tools/layering.json").write_text(json.dumps({"modules": {
            m: {"may_include": allowed, "tcb": True} for m, allowed in modules.items()}}))
        (root / "src").mkdir()
        for name, text in files.items():
            (root / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "src" / name).write_text(text)
        done = subprocess.run([sys.executable, str(CHECK), folder], capture_output=True, text=True)
        return done.returncode, done.stdout


def main():
    code, text = run({"a": [], "b": ["a"]}, {"a/x.h": '\n#include "b/y.h"\n', "b/y.h": '#include "a/x.h"\n'})
    assert code == 1 and "src/a/x.h:2: a may not include b" in text, text
    code, text = run({"a": []}, {"a/x.h": "", "c/z.cc": ""})
    assert code == 1 and "src/c: not in" in text, text
    code, text = run({"a": ["b"], "b": ["a"]}, {"a/x.h": ""})
    assert code == 1 and "includes itself" in text, text
    code, text = run({"a": [], "b": ["a"]}, {"b/y.h": '#include "a/x.h"\n'})
    assert code == 0, text
    print("4 passed, 0 failed")


if __name__ == "__main__":
    main()
