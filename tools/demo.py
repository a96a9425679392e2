#!/usr/bin/env python3
"""The main job of Penstock in six steps: sealed payments, masked and reviewed, exactly once, by approved code only.

Fresh data every time, in build/demo/; with --kafka the topics are on a real broker. Checks what it claims; the exit
status says whether all held.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from demo_kafka import FolderPlace, KafkaPlace, shown
from demo_parts import SOURCE, Failure, Stage, tell

EXAMPLE = SOURCE / "examples" / "payments"
FIRST_COUNT = 20_000  # payments before the server starts
LIVE_COUNT = 12_000   # payments while it runs
KAFKA_LIVE_COUNT = 20_000  # a broker's restart takes seconds
LIVE_RATE = 1_200     # per second
DRAIN_PATIENCE_S = 60


def masked_row(payment: dict) -> dict:
    """What the SQL must make of a payment."""
    row = {name.upper(): value for name, value in payment.items() if name != "name"}
    row["CARD"] = "n" * (len(payment["card"]) - 4) + payment["card"][-4:]
    row["SIZE"] = "large" if payment["amount"] >= 1000 else "normal"
    return row


def masked_facts(row: dict) -> tuple:
    return tuple(sorted(row.items()))


class Demo(Stage):
    def __init__(self, bin_dir: Path, folder: Path, kafka: bool) -> None:
        super().__init__(bin_dir, folder, "payments")
        self.place = KafkaPlace(folder) if kafka else FolderPlace(folder)
        self.payments: list[dict] = []

    # -- parts ---------------------------------------------------------------------------------

    def generate(self, count: int, seed: int) -> Path:
        file = self.folder / f"payments-{len(self.payments)}.jsonl"
        with file.open("w") as out:
            subprocess.run(self.generator(count, seed), stdout=out, check=True)
        with file.open() as lines:
            self.payments += [json.loads(line) for line in lines]
        return file

    def generator(self, count: int, seed: int) -> list[str]:
        return [sys.executable, str(EXAMPLE / "generate.py"), f"--count={count}", f"--seed={seed}",
                f"--skip={len(self.payments)}"]

    def producer(self) -> list[str]:
        return [str(self.penstock), "produce", *self.place.options(), "--topic", "payments", "--partitions", "2",
                "--seal", "payments-v1", "--keys", str(self.keys / "payments-v1.producer.keys.json")]

    def records(self, topic: str) -> int:
        return self.place.count(self.penstock, topic)

    def consume(self, topic: str, *more: object, expect: int | None = 0) -> subprocess.CompletedProcess:
        return self.run("consume", *self.place.options(), "--topic", topic, "--from-beginning", *more, expect=expect)

    def server_options(self) -> list[str]:
        return self.place.server_options()

    def stop_place(self) -> None:
        self.place.stop()

    def wait_for(self, topic: str, count: int) -> int:
        deadline = time.monotonic() + DRAIN_PATIENCE_S
        while (seen := self.records(topic)) < count and time.monotonic() < deadline:
            time.sleep(0.1)
        return seen

    def start_place(self, keep: bool) -> None:
        began = time.monotonic()
        try:
            self.place.start(keep)
        except RuntimeError as reason:
            raise Failure(f"no Kafka here: {reason}") from None
        if isinstance(self.place, KafkaPlace):
            print(f"Apache Kafka {self.place.cluster.version}, with TLS and a login, is ready after "
                  f"{time.monotonic() - began:.1f} s.")

    # -- steps ---------------------------------------------------------------------------------

    def approve(self) -> None:
        self.voice.step(1, "The owner approves code and configuration",
                        "penstock-manager runs on the data owner's side. It holds the keys and releases them only to",
                        "a build and a configuration that the owner has approved. This one is for development: the",
                        "TEE that follows is simulated, shows how everything works, and protects nothing.")
        self.voice.command("penstock-manager", "--data", self.short(self.owner), "--development")
        self.start_manager()
        self.admin("app", "create", "payments", shown=False)
        self.admin("platform", "new", "--out", self.platform_key, shown=False)
        digests = {}
        for policy, topic in (("payments-v1", "payments"), ("review-v1", "payments_review")):
            made = self.run("policy", "new", "--id", policy, "--topic", topic, "--out", self.short(self.keys)).stdout
            digests[policy] = next(line.split()[1] for line in made.splitlines() if line.startswith("Digest"))
        print("   Two stream policies: the server may open payments and seal reviews, nothing else.\n")
        for policy, right in (("payments-v1", "--reader"), ("review-v1", "--producer")):
            self.admin("stream-policy", "add", "--app", "payments", "--keys", self.keys / f"{policy}.keys.json", right)
        self.admin("secret", "put", "--app", "payments", "state-key/payments", stdin=secrets.token_hex(16))
        self.write_config(digests)
        self.voice.command("penstock", "config", "pack", "penstock.toml", "--out", self.short(self.config))
        packed = self.run("config", "pack", self.folder / "penstock.toml", "--out", self.config).stdout
        self.voice.show(packed.replace(str(self.folder) + "/", ""))
        self.voice.show(self.admin("build", "approve", "--app", "payments", "--binary", self.penstockd))
        self.voice.show(self.admin("config", "approve", "--app", "payments", self.config))

    def write_config(self, digests: dict[str, str]) -> None:
        shutil.copy(EXAMPLE / "payments.sql", self.folder / "payments.sql")
        shutil.copy(self.owner / "ca.pem", self.folder / "manager-ca.pem")
        (self.folder / "penstock.toml").write_text(
            'service_id = "payments"\nsql_files = ["payments.sql"]\nthreads = 2\n\n'
            f'[manager]\nurl = "{self.manager_url}"\nca = "manager-ca.pem"\napp = "payments"\n\n'
            f'[policies.payments-v1]\ndigest = "{digests["payments-v1"]}"\nopen = true\n\n'
            f'[policies.review-v1]\ndigest = "{digests["review-v1"]}"\nseal = true\n' + self.place.section())

    def seal_payments(self, seed: int) -> None:
        self.voice.step(2, "A producer seals payments",
                        f"{FIRST_COUNT} card payments (made-up test cards) are sealed before they leave the producer.",
                        f"What reaches {self.place.name} is ciphertext; the log moves bytes that it cannot read.")
        file = self.generate(FIRST_COUNT, seed)
        self.voice.show("a payment as the producer sees it:\n" + json.dumps(self.payments[0], ensure_ascii=False))
        self.voice.command("penstock", "produce", *shown(self.place.options()), "--topic", "payments", "--seal",
                           "payments-v1", "--keys", "payments-v1.producer.keys.json", "<", file.name)
        with file.open() as lines:
            done = subprocess.run(self.producer(), stdin=lines, capture_output=True, text=True, timeout=180)
        if done.returncode != 0:
            raise Failure(f"the producer ended with {done.returncode}: {done.stderr.strip()}")
        self.voice.show(done.stdout)
        file.unlink()  # the plaintext
        self.voice.show(f"the same payment as {self.place.name} has it:\n" +
                        self.consume("payments", "--limit", 1).stdout)
        self.voice.check(self.records("payments") == FIRST_COUNT, f"{FIRST_COUNT} sealed records in the topic")

    def run_server(self) -> None:
        self.voice.step(3, "penstockd proves what it is, gets its keys, opens, masks, and seals again",
                        "It shows evidence of its code and configuration to the manager and receives what was",
                        "approved. Then three SQL statements of the configuration run (examples/payments):",
                        "payments_masked is plain, with masked cards and no names, for analytics;",
                        "payments_review holds large payments whole, sealed for the fraud team.")
        command = ["penstockd", *shown(self.place.server_options()), "--listen", self.address, "--config",
                   self.config.name, "--tee", "simulated", "--platform-key", self.platform_key.name]
        self.voice.command(*command)
        began = time.monotonic()
        self.start_server()
        self.voice.show(f"attested and ready after {time.monotonic() - began:.2f} s")
        self.verdict()
        seen = self.wait_for("payments_masked", FIRST_COUNT)
        self.voice.check(seen == FIRST_COUNT, f"{seen} payments are masked")

    def start_live_producer(self, seed: int) -> subprocess.Popen:
        count = KAFKA_LIVE_COUNT if isinstance(self.place, KafkaPlace) else LIVE_COUNT
        command = [*self.generator(count, seed), f"--rate={LIVE_RATE}"]
        self.generate(count, seed).unlink()  # to know what must come out
        generator = subprocess.Popen(command, stdout=subprocess.PIPE)
        producer = subprocess.Popen(self.producer(), stdin=generator.stdout, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True)
        self.children += [generator, producer]
        return producer

    def live_query(self) -> None:
        statement = "SELECT card, amount, size, merchant, country FROM payments_masked EMIT CHANGES LIMIT 8;"
        print("   A live query shows rows while a producer is running:\n")
        self.voice.command("penstock", "sql", "--server", self.url, "-e", statement)
        done = self.run("sql", "--server", self.url, "-e", statement, expect=None)
        self.voice.show(done.stdout or done.stderr)
        rows = sum(1 for line in done.stdout.splitlines() if "nnnn" in line)
        self.voice.check(done.returncode == 0 and rows == 8, f"{rows} rows came, cards masked")

    def kill_and_count(self, producer: subprocess.Popen) -> None:
        self.voice.step(4, "kill -9 in the middle",
                        "The server is killed without warning, three times, while the producer goes on. Outputs,",
                        "positions and state are committed at once, so nothing may be lost and nothing doubled.")
        for number in range(3):
            if number == 1:
                self.kill_broker()
            before = self.records("payments_masked")
            time.sleep(0.7)
            self.voice.command("kill", "-9", self.server.pid)
            self.server.send_signal(signal.SIGKILL)
            self.server.wait()
            running = producer.poll() is None
            self.start_server()
            self.voice.show(f"killed after {before}+ masked payments; running again"
                            f"{' (the producer noticed and waited)' if running else ''}")
        out, err = producer.communicate(timeout=120)
        if producer.returncode != 0:
            raise Failure(f"the producer ended with {producer.returncode}: {err.strip()}")
        self.voice.show("the producer says: " + out)
        self.compare()

    def kill_broker(self) -> None:
        if not isinstance(self.place, KafkaPlace):
            return
        self.voice.command("kill", "-9", self.place.pid())
        self.place.kill_and_restart()
        self.voice.show("that was the broker, with open transactions; it is back, and the others went on by themselves")

    def compare(self) -> None:
        large = [payment for payment in self.payments if payment["amount"] >= 1000]
        total = len(self.payments)
        self.wait_for("payments_masked", total)
        self.wait_for("payments_review", len(large))
        time.sleep(0.5)  # anything doubled would come now
        masked = [json.loads(line) for line in self.consume("payments_masked").stdout.splitlines()]
        review_keys = self.keys / "review-v1.reader.keys.json"
        review = [json.loads(line)
                  for line in self.consume("payments_review", "--open", "--keys", review_keys).stdout.splitlines()]
        check, produced = self.voice.check, self.records("payments")
        check(produced == total, f"produced: {total}, in the topic: {produced}")
        expected = Counter(masked_facts(masked_row(payment)) for payment in self.payments)
        check(Counter(map(masked_facts, masked)) == expected,
              f"masked: {len(masked)}, every payment exactly once, only the last four digits left, no names")
        whole = ("CARD", "NAME", "AMOUNT", "MERCHANT", "COUNTRY")
        expected = Counter(tuple(payment[name.lower()] for name in whole) for payment in large)
        check(Counter(tuple(row[name] for name in whole) for row in review) == expected,
              f"for review: {len(review)} of {len(large)} large payments, whole, exactly once")

    def change_one_line(self) -> None:
        self.voice.step(5, "The host changes one line",
                        "The operator leaves the mask out of the configuration and starts penstockd with it.")
        changed = self.folder / "changed.initdata.toml"
        text = self.config.read_text()
        masked, bare = "MASK_KEEP_RIGHT(card, 4) AS card,", "card,"
        if masked not in text:
            raise Failure("the line to change is not in the configuration")
        changed.write_text(text.replace(masked, bare))
        self.voice.show(f"-     {masked}\n+     {bare}")
        self.server.terminate()
        self.server.wait(timeout=30)
        self.voice.command("penstockd", *shown(self.place.server_options()), "--config", changed.name, "...")
        refused = subprocess.run(self.server_command(changed), capture_output=True, text=True, timeout=60)
        self.voice.show(refused.stderr.splitlines()[-1])
        self.voice.check(refused.returncode != 0, "it got no key and ended; it was told the rule and no more")
        print("\n   The owner sees what was expected, what was seen, and what to do:\n")
        audit = self.admin("audit", "--limit", 6)
        self.voice.show(audit)
        entries = json.loads(self.admin("audit", "--json", "--limit", 1000, shown=False))["entries"]
        denied = [entry for entry in entries if entry["outcome"] == "denied"]
        released = [entry for entry in entries if entry["action"] == "release" and entry["outcome"] == "granted"]
        rules = {rule["name"] for entry in denied for rule in entry["rules"] if rule["result"] == "fail"}
        self.voice.check(rules == {"config_digest"}, "the audit log holds the denial, by the rule config_digest")
        self.voice.check(len(released) >= 4, f"and every release: {len(released)} keys and policies")
        self.voice.command("penstock", "audit", "verify", "--data", self.short(self.owner), "--head", "audit-head.json")
        self.voice.show(self.run("audit", "verify", "--data", self.owner, "--head",
                                 self.folder / "audit-head.json").stdout)
        self.start_server()

    def steal_the_disk(self) -> None:
        self.voice.step(6, f"What {self.place.thief} sees",
                        "All card numbers and names are searched in every file of the log.")
        needles = self.folder / "needles.txt"
        secrets = {p["card"] for p in self.payments} | {p["name"] for p in self.payments}
        needles.write_text("\n".join(sorted(secrets)) + "\n")
        stored = [self.short(folder) for folder in self.place.stored()]
        search, quiet = ["grep", "-r", "-a", "-l", "-F"], {"capture_output": True, "text": True, "timeout": 180,
                                                           "env": {**os.environ, "LC_ALL": "C"}}
        self.voice.command(*search, "-f", "all-cards-and-names.txt", *stored)
        found = subprocess.run([*search, "-f", str(needles), *stored], **quiet)
        needles.unlink()
        masked = masked_row(self.payments[0])["CARD"]
        seen = subprocess.run([*search, masked, *stored], **quiet)
        self.voice.check(seen.returncode == 0, f"grep finds what is meant to be seen, such as {masked}")
        self.voice.check(found.returncode == 1, f"grep finds none of {len(secrets)} card numbers and names")
        print("\n   The review topic with the wrong key, and with the right one:\n")
        wrong = self.keys / "payments-v1.reader.keys.json"
        right = self.keys / "review-v1.reader.keys.json"
        self.voice.command("penstock", "consume", *shown(self.place.options()), "--topic", "payments_review",
                           "--from-beginning", "--open", "--keys", wrong.name)
        refused = self.consume("payments_review", "--open", "--keys", wrong, expect=None)
        self.voice.show(refused.stderr)
        self.voice.check(refused.returncode != 0 and not refused.stdout, "the payments key does not open it")
        self.voice.command("penstock", "consume", *shown(self.place.options()), "--topic", "payments_review",
                           "--from-beginning", "--limit", 2, "--open", "--keys", right.name)
        opened = self.consume("payments_review", "--limit", 2, "--open", "--keys", right)
        self.voice.show(opened.stdout)
        self.voice.check(len(opened.stdout.splitlines()) == 2, "the review key does")

    def end(self, keep: bool) -> None:
        where, keys = " ".join(shown(self.place.options())), self.short(self.keys)
        program = self.short(self.penstock)
        if not keep:
            self.server.terminate()
            self.voice.check(self.server.wait(timeout=30) == 0, "penstockd ends cleanly on SIGTERM")
            self.manager.terminate()
            self.voice.check(self.manager.wait(timeout=30) == 0, "and so does the manager")
        if keep or isinstance(self.place, FolderPlace):
            print("\n" + self.voice.paint("1", "To look around:"))
            print(f"  {program} topics list {where}")
            print(f"  {program} consume {where} --topic payments_masked --from-beginning --limit 5")
            print(f"  {program} consume {where} --topic payments_review --from-beginning --limit 5 \\\n"
                  f"      --open --keys {keys}/review-v1.reader.keys.json")
            print(f"  {program} sql " + (f"--server {self.url}" if keep else where))
        if keep:
            print(f"  {program} status --server {self.url}")
            owner = self.short(self.owner)
            print(f"  {program} manager audit --data {owner}\n"
                  f"  {program} manager app show payments --data {owner}\n"
                  f"\npenstockd is still running at {self.url} and the manager at {self.manager_url}. To stop them:"
                  f"  kill {self.server.pid} {self.manager.pid}")
            if isinstance(self.place, KafkaPlace):
                print(f"The broker runs too:  tools/kafka/kafka stop --remove --dir {self.short(self.place.kafka)}")
            self.server = self.manager = None
            self.kept = True

    def tell(self, keep: bool) -> bool:
        began = time.monotonic()
        print(self.voice.paint("1", "Penstock: a sealed stream through SQL, exactly once.") +
              f" Takes under a minute; everything is in {self.short(self.folder)}")
        try:
            seed = time.time_ns() % 1_000_000
            self.start_place(keep)
            self.approve()
            self.seal_payments(seed)
            self.run_server()
            producer = self.start_live_producer(seed)
            self.live_query()
            self.kill_and_count(producer)
            self.change_one_line()
            self.steal_the_disk()
            self.end(keep)
        finally:
            self.stop_children()
        return self.conclude(began, seed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=Path, default=SOURCE / "build" / "release" / "bin", help="folder of the programs")
    parser.add_argument("--folder", type=Path, default=SOURCE / "build" / "demo" / "payments",
                        help="where its files go; emptied first")
    parser.add_argument("--kafka", action="store_true", help="the topics are on a real Kafka broker, not in a folder")
    parser.add_argument("--keep", action="store_true", help="leave penstockd and the manager running")
    options = parser.parse_args()
    return tell(lambda: Demo(options.bin.resolve(), options.folder.resolve(), options.kafka).tell(options.keep))


if __name__ == "__main__":
    sys.exit(main())
