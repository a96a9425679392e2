"""A service's lease and what is held of it: clones, folders that were put back, kills, a manager that is away."""

import json
import os
import random
import shutil
import subprocess
import time
import unittest
from pathlib import Path

from harness import FORBIDDEN, PENSTOCKD
from manager_case import ManagerCase

LEASE_OVER = 11  # exit status of `fenced`
PUT_BACK = 5  # of `failed_precondition`
TOO_LONG_ALONE = 15  # of `timeout`


class Leases(ManagerCase):
    def setUp(self) -> None:
        super().setUp()
        self.make_stream_policies()
        self.config = self.short_config(8)
        self.approve(self.config)
        self.owner_key = self.store / "owner.key.pem"

    def short_config(self, offline_s: int) -> Path:
        """Renewals come at a quarter of offline_max."""
        config = self.measured_config(name=f"offline-{offline_s}", offline_max_s=offline_s)
        return config

    def services(self) -> list[dict]:
        return json.loads(self.admin("checkpoint", "list", "--json").stdout)

    def held(self) -> int:
        rows = self.services()
        return rows[0]["checkpoint"]["parts"].get("", {"number": 0})["number"] if rows else 0

    def actions(self) -> list[str]:
        return [entry["action"] for entry in self.audit()]

    def start_in(self, folder: Path, log: str) -> subprocess.Popen:
        with (self.folder / log).open("w") as out:
            return self.start(PENSTOCKD, "--data", folder, "--listen", "127.0.0.1:0", *self.attested(self.config),
                              stdout=out, stderr=out)

    def run_and_hold(self, values: int, first: int = 0) -> subprocess.Popen:
        self.produce_payments(first, values)
        server = self.start_attested(self.config)
        self.wait_until(lambda: self.count("masked") == first + values, "masking")
        return server

    def test_the_manager_makes_the_state_key_once(self) -> None:
        self.admin("secret", "remove", "--app", self.app, "state-key/pay")
        server = self.run_and_hold(50)
        self.assertEqual(self.terminate(server), 0)
        self.assertEqual(self.actions().count("state_key.make"), 1)
        self.run_and_hold(50, first=50)  # and its state is taken up again
        self.assertEqual(self.actions().count("state_key.make"), 1)

    def test_a_killed_server_takes_over_at_once(self) -> None:
        server = self.run_and_hold(100)
        self.wait_until(lambda: self.held() > 0, "something held")
        server.kill()
        server.wait()
        server = self.run_and_hold(100, first=100)
        self.assertEqual(self.services()[0]["term"], 2)
        self.assertEqual(self.terminate(server), 0)
        row = self.services()[0]
        self.assertEqual(row["holder"], "")
        self.assertEqual(self.actions().count("lease.start"), 2)
        self.assertEqual(self.actions().count("lease.stop"), 1)

    def test_a_folder_that_was_put_back_is_refused_until_the_owner_accepts_the_loss(self) -> None:
        self.assertEqual(self.terminate(self.run_and_hold(100)), 0)
        shutil.copytree(self.data, self.folder / "old", ignore=shutil.ignore_patterns("*.sock"))
        self.assertEqual(self.terminate(self.run_and_hold(100, first=100)), 0)
        shutil.rmtree(self.data)
        shutil.copytree(self.folder / "old", self.data)
        refused = self.refused_start(self.config)
        self.assertEqual(refused.returncode, PUT_BACK, refused.stderr)
        self.assertIn("accept-loss", refused.stderr)
        denial = [e for e in self.audit() if e["outcome"] == "denied"][-1]
        self.assertEqual(denial["rules"][0]["code"], "checkpoint-behind")
        self.assertIn("commit", denial["rules"][0]["expected"])
        self.admin("checkpoint", "accept-loss", "pay", "--app", self.app, "--yes", "--owner-key", self.owner_key)
        server = self.start_attested(self.config)
        self.assertEqual(self.terminate(server), 0)
        self.assertIn("checkpoint.accept_loss", self.actions())

    def test_of_two_clones_one_stops(self) -> None:
        server = self.run_and_hold(100)
        self.assertEqual(self.terminate(server), 0)
        clone = self.folder / "clone"
        shutil.copytree(self.data, clone, ignore=shutil.ignore_patterns("*.sock"))
        first = self.start_attested(self.config)
        self.wait_until(lambda: self.services()[0]["holder"] != "", "a lease")
        second = self.start_in(clone, "clone.log")
        ended = []
        self.wait_until(lambda: ended.extend(p for p in (first, second) if p.poll() is not None) or ended,
                        "one of them ends")
        self.assertEqual(len(set(ended)), 1)
        self.assertIn(ended[0].returncode, (LEASE_OVER, PUT_BACK))

    def test_a_manager_that_is_away_for_too_long_ends_it(self) -> None:
        config = self.short_config(3)
        self.admin("config", "approve", "--app", self.app, config)
        self.produce_payments(0, 50)
        server = self.start_server(*self.attested(config))
        self.wait_until(lambda: self.count("masked") == 50, "masking")
        self.end(self.manager)
        self.assertEqual(server.wait(timeout=60), TOO_LONG_ALONE)
        self.assertIn("offline_max", (self.folder / "penstockd.log").read_text())

    def test_a_withdrawn_build_ends_its_enclave_within_a_renewal(self) -> None:
        server = self.run_and_hold(50)
        self.admin("config", "revoke", "--app", self.app, self.config)
        self.assertEqual(server.wait(timeout=60), FORBIDDEN)

    def test_a_backup_carries_all_of_it(self) -> None:
        self.assertEqual(self.terminate(self.run_and_hold(50)), 0)
        backup = self.folder / "backup"
        self.admin("backup", "--from", self.store, "--out", backup)
        port = self.manager_port()
        self.end(self.manager)
        shutil.rmtree(self.store)
        self.penstock("manager", "restore", "--from", backup, "--data", self.store)
        self.manager = self.start_manager(listen=f"127.0.0.1:{port}")
        self.assertEqual(len(self.services()), 1)
        self.run_and_hold(50, first=50)
        self.assertIn("store.restore", self.actions())

    def test_kills_of_manager_and_server_lose_nothing_and_the_lease_moves(self) -> None:
        long = os.environ.get("PENSTOCK_LONG", "") not in ("", "0")
        rounds = 200 if long else 20
        seed = random.randrange(2**32)
        self.addCleanup(lambda: print(f"kills: seed {seed}") if self._outcome.result.failures else None)
        dice = random.Random(seed)
        port = self.manager_port()
        self.produce_payments(0, 500)
        starts = 0
        for kill in range(rounds):
            with (self.folder / "penstockd.log").open("w") as log:
                server = self.start(PENSTOCKD, "--data", self.data, "--listen", "127.0.0.1:0",
                                    *self.attested(self.config), stdout=subprocess.PIPE, stderr=log)
            if kill % 2 == 0:
                server.stdout.readline()  # ready: it has a lease
                starts += 1
            time.sleep(dice.random() * 0.3)
            if kill % 3 == 0:
                self.end(self.manager)
                self.manager = self.start_manager(listen=f"127.0.0.1:{port}")
            self.assertIsNone(server.poll(), (self.folder / "penstockd.log").read_text()[-2000:])
            self.end(server)
        self.assertEqual(self.terminate(self.run_and_hold(50, first=500)), 0)
        self.assertGreater(self.services()[0]["term"], starts)
        if not long:  # one page of the log
            granted = [e for e in self.audit() if e["action"] == "lease.start"]
            self.assertEqual(len(granted), self.services()[0]["term"])
        self.penstock("audit", "verify", "--head", self.folder / "head.json", "--data", self.store)


if __name__ == "__main__":
    unittest.main()
