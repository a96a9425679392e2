"""What the demos share: how they speak, and the owner's side of an attested penstockd."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
SERVER_PATIENCE_S = 30


class Voice:
    """What the demo says."""

    def __init__(self) -> None:
        self.colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.failures: list[str] = []

    def paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def step(self, number: int, title: str, *why: str) -> None:
        print("\n" + self.paint("1;36", f"{number}. {title}"))
        for line in why:
            print("   " + line)
        print(flush=True)

    def command(self, *words: object) -> None:
        print(self.paint("2", "   $ " + " ".join(shell_word(str(word)) for word in words)), flush=True)

    def show(self, text: str, width: int = 150) -> None:
        for line in text.rstrip("\n").splitlines():
            print("     " + (line if len(line) <= width else line[: width - 1] + "…"))
        sys.stdout.flush()

    def check(self, holds: bool, claim: str) -> None:
        mark = self.paint("32", "ok  ") if holds else self.paint("1;31", "FAIL")
        print(f"   {mark} {claim}", flush=True)
        if not holds:
            self.failures.append(claim)


def shell_word(word: str) -> str:
    if word == "<" or (word and not set(word) & set(" '\"$;*()<>|&\\")):
        return word
    return '"' + word.replace('"', '\\"') + '"'


class Failure(Exception):
    """Something that makes going on pointless; the text is for the user."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stage:
    """Programs, files, a manager and a server that gets its keys from it."""

    def __init__(self, bin_dir: Path, folder: Path, app: str) -> None:
        self.voice = Voice()
        self.app = app
        self.penstock, self.penstockd = bin_dir / "penstock", bin_dir / "penstockd"
        self.manager_program = bin_dir / "penstock-manager"
        for program in (self.penstock, self.penstockd, self.manager_program):
            if not program.exists():
                raise Failure(f"{program} is missing; build it with ./dev build")
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.keys, self.owner = folder / "keys", folder / "manager"
        self.platform_key = folder / "platform.key.pem"
        self.config = folder / f"{app}.initdata.toml"
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self.server: subprocess.Popen | None = None
        self.manager: subprocess.Popen | None = None
        self.children: list[subprocess.Popen] = []
        self.kept = False

    def server_options(self) -> list[str]:
        """Where its topics are."""
        raise NotImplementedError

    def stop_place(self) -> None:
        pass

    def run(self, *arguments: object, expect: int | None = 0) -> subprocess.CompletedProcess:
        done = subprocess.run([str(self.penstock), *map(str, arguments)], capture_output=True, text=True,
                              timeout=180)
        if expect is not None and done.returncode != expect:
            raise Failure(f"penstock {arguments[0]} ended with {done.returncode}: {done.stderr.strip()}")
        return done

    def short(self, path: Path) -> str:
        return os.path.relpath(path)

    def admin(self, *words: object, shown: bool = True, stdin: str | None = None) -> str:
        """`penstock manager …` by the owner."""
        if shown:
            self.voice.command("penstock", "manager", *(self.short(w) if isinstance(w, Path) else w for w in words))
        done = subprocess.run([str(self.penstock), "manager", *map(str, words), "--data", str(self.owner)],
                              capture_output=True, text=True, timeout=60, input=stdin)
        if done.returncode != 0:
            raise Failure(f"penstock manager {words[0]} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def start_manager(self) -> None:
        log = (self.folder / "manager.log").open("w")
        self.manager = subprocess.Popen(
            [str(self.manager_program), "--data", str(self.owner), "--listen", "127.0.0.1:0", "--development"],
            stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.manager.stdout.readline()
        if "https://" not in line:
            tail = (self.folder / "manager.log").read_text()[-1500:]
            raise Failure(f"penstock-manager did not start; the end of its log:\n{tail}")
        self.manager_url = next(word for word in line.split() if word.startswith("https://"))

    def server_command(self, config: Path) -> list[str]:
        return [str(self.penstockd), *self.server_options(), "--listen", self.address, "--config", str(config),
                "--tee", "simulated", "--platform-key", str(self.platform_key)]

    def start_server(self) -> None:
        log = (self.folder / "penstockd.log").open("a")
        self.server = subprocess.Popen(self.server_command(self.config), stdout=log, stderr=log)
        deadline = time.monotonic() + SERVER_PATIENCE_S
        while time.monotonic() < deadline:
            if self.server.poll() is not None:
                break
            try:
                with urllib.request.urlopen(self.url + "/healthcheck", timeout=2) as answer:
                    if json.load(answer).get("isHealthy"):
                        return
            except (urllib.error.URLError, ConnectionError, TimeoutError, ValueError):
                pass
            time.sleep(0.05)
        tail = (self.folder / "penstockd.log").read_text()[-1500:]
        raise Failure(f"penstockd did not start; the end of its log:\n{tail}")

    def verdict(self) -> None:
        print("   Anybody can ask it what it is:\n")
        self.voice.command("penstock", "attest", self.url, "--binary", "penstockd", "--config", self.config.name,
                           "--platform-key", self.platform_key.name, "--allow-simulated")
        done = self.run("attest", self.url, "--binary", self.penstockd, "--config", self.config, "--platform-key",
                        self.platform_key, "--allow-simulated", expect=None)
        self.voice.show(done.stdout + done.stderr)
        self.voice.check(done.returncode == 0, "build, configuration, nonce and signature are as approved")
        self.voice.check("protects nothing" in done.stdout + done.stderr, "and the report says what a simulated TEE is")

    def stop_children(self) -> None:
        for child in [*self.children, self.server, self.manager]:
            if child is not None and child.poll() is None:
                child.kill()
                child.wait()
        if not self.kept:
            self.stop_place()

    def conclude(self, began: float, seed: int) -> bool:
        if self.voice.failures:
            print(f"\n{len(self.voice.failures)} of the claims did not hold (seed {seed}):")
            for claim in self.voice.failures:
                print("  - " + claim)
            return False
        print("\n" + self.voice.paint("1;32", f"Everything held. {time.monotonic() - began:.0f} s"))
        return True


def tell(story) -> int:
    """The exit status of a demo."""
    try:
        return 0 if story() else 1
    except Failure as failure:
        print(f"\ndemo: error: {failure}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\ndemo: ended by Ctrl-C", file=sys.stderr)
    return 1
