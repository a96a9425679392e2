#!/usr/bin/env python3
"""Holds every include between modules to tools/layering.json. Prints file:line of each forbidden one."""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*"([a-z_]+)/[^"]+"')


def cycles(modules):
    """Modules that reach themselves through the table."""
    def reaches(start, goal, seen):
        return any(n == goal or (n not in seen and not seen.add(n) and reaches(n, goal, seen))
                   for n in modules[start]["may_include"] if n in modules)
    return [m for m in modules if reaches(m, m, set())]


def offences(root, modules):
    for folder in sorted(p for p in (root / "src").iterdir() if p.is_dir()):
        module = folder.name
        if module not in modules:
            yield f"src/{module}: not in tools/layering.json"
            continue
        allowed = set(modules[module]["may_include"]) | {module}
        for file in sorted(folder.rglob("*.[hc]*")):
            for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
                found = INCLUDE.match(line)
                if found and "*" not in allowed and found.group(1) not in allowed:
                    yield (f"{file.relative_to(root)}:{number}: {module} may not include "
                           f"{found.group(1)} (allowed: {', '.join(sorted(allowed))})")


def main():
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    modules = json.loads((root / "tools/layering.json").read_text())["modules"]
    found = [f"tools/layering.json: '{m}' includes itself through others" for m in cycles(modules)]
    found += list(offences(root, modules))
    print("\n".join(found) if found else f"layering: {len(modules)} modules, no forbidden include")
    tcb = [m for m in modules if modules[m]["tcb"]]
    lines = sum(len(f.read_text(errors="replace").splitlines()) for m in tcb
                for f in (root / "src" / m).rglob("*.[hc]*") if not f.name.endswith("_test.cc")
                and not f.name.startswith("test_"))
    print(f"layering: {lines} lines run inside the enclave, tests apart")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
