"""penstockd's TLS certificate from the manager's workload CA: fetched by attestation, renewed, withdrawn."""

import re
import ssl
import unittest
import urllib.request
from pathlib import Path

from harness import FORBIDDEN, PENSTOCKD
from manager_case import ManagerCase

REST = '[rest]\ncertificate = "manager"\nnames = ["127.0.0.1", "localhost"]\n'
LIFE_S = 4  # the least: renewed after a few seconds


class WorkloadCertificate(ManagerCase):
    def setUp(self) -> None:
        super().setUp()
        self.make_stream_policies()
        self.workload_ca = self.store / "workload-ca.pem"

    def config(self, more: str = "", rest: str = REST) -> Path:
        config = self.measured_config(name="certified", more=rest + more, offline_max_s=8)  # the lease every 2 s
        self.approve(config)
        return config

    def certificate(self) -> str:
        host, port = self.address.rsplit(":", 1)
        return ssl.get_server_certificate((host, int(port)))

    def metric(self, name: str) -> int:
        context = ssl.create_default_context(cafile=self.workload_ca)
        with urllib.request.urlopen(self.url + "/metrics", context=context) as answer:
            return int(re.search(rf"^{name} (\d+)", answer.read().decode(), re.M).group(1))

    def test_who_pins_the_workload_ca_reaches_the_enclave(self) -> None:
        config = self.config()
        server = self.start_attested(config)
        self.assertTrue(self.url.startswith("https://"))
        self.penstock("sql", "--server", self.url, "--ca", self.workload_ca, "-e", "SHOW STREAMS;")
        # Neither is the manager's own CA that of workloads, nor can this one pose as the manager.
        other = self.penstock("sql", "--server", self.url, "--ca", self.ca, "-e", "SHOW STREAMS;", expect=None)
        self.assertNotEqual(other.returncode, 0)
        posing = self.penstock("manager", "info", "--manager", self.url, "--ca", self.ca, "--development", "--token",
                               self.store / "admin.token", expect=None)
        self.assertNotEqual(posing.returncode, 0)
        self.assertIn("certificate", posing.stderr)
        done = self.penstock("attest", self.url, "--ca", self.workload_ca, "--binary", PENSTOCKD, "--config", config,
                             "--platform-key", self.platform_key, "--allow-simulated")
        self.assertIn("bound to this TLS connection", done.stdout)
        granted = [e for e in self.audit() if e["action"] == "certificate"]
        self.assertEqual([e["outcome"] for e in granted], ["granted"])
        self.assertIn("for 127.0.0.1, localhost until", granted[0]["subject"])
        self.assertGreater(self.metric("penstock_rest_certificate_not_after_seconds"), 0)
        self.assertEqual(self.terminate(server), 0)

    def test_it_is_renewed_without_a_restart(self) -> None:
        server = self.start_attested(self.config(f"certificate_life_s = {LIFE_S}\n"))
        first = self.certificate()
        self.wait_until(lambda: self.certificate() != first, "another certificate")
        self.penstock("sql", "--server", self.url, "--ca", self.workload_ca, "-e", "SHOW STREAMS;")
        self.assertGreater(self.metric("penstock_rest_certificate_renewals_total"), 0)
        self.assertIsNone(server.poll())

    def test_a_withdrawn_configuration_gets_none(self) -> None:
        config = self.config(f"certificate_life_s = {LIFE_S}\n")
        server = self.start_attested(config)
        self.admin("config", "revoke", "--app", self.app, config)
        self.wait_until(lambda: any(e["action"] == "certificate" and e["outcome"] == "denied" for e in self.audit())
                        or server.poll() is not None, "a denial")
        self.assertEqual(server.wait(timeout=60), FORBIDDEN)

    def test_names_that_the_ca_may_not_certify_end_the_start_and_a_rotation_permits_them(self) -> None:
        config = self.config(rest='[rest]\ncertificate = "manager"\nnames = ["streams.example", "127.0.0.1"]\n')
        refused = self.refused_start(config)
        self.assertEqual(refused.returncode, FORBIDDEN, refused.stderr)
        self.assertIn("name_constraints", refused.stderr)
        owner = ("--owner-key", self.store / "owner.key.pem")
        self.admin("rotate", "workload-ca", "--permit", "streams.example", *owner)
        both = self.folder / "both.pem"
        both.write_text(self.workload_ca.read_text() + (self.store / "workload-ca-next.pem").read_text())
        self.admin("rotate", "workload-ca", "--switch", *owner)
        self.start_attested(config)
        self.penstock("sql", "--server", self.url, "--ca", both, "-e", "SHOW STREAMS;")

    def test_the_managers_ca_is_rotated_while_an_enclave_runs(self) -> None:
        owner = ("--owner-key", self.store / "owner.key.pem")
        self.admin("rotate", "ca", *owner)
        both = self.folder / "both.pem"
        both.write_text(self.ca.read_text() + (self.store / "ca-next.pem").read_text())
        self.ca = both
        config = self.config(f"certificate_life_s = {LIFE_S}\n")  # pins both
        server = self.start_attested(config)
        self.admin("rotate", "ca", "--switch", *owner)
        first = self.certificate()
        self.wait_until(lambda: self.certificate() != first, "a renewal from the manager with its new CA")
        self.assertIsNone(server.poll())
        self.admin("app", "list")
        backup = self.folder / "backup"
        self.admin("backup", "--out", backup)
        self.assertEqual((backup / "ca.pem").read_text(), (self.store / "ca.pem").read_text())


if __name__ == "__main__":
    unittest.main()
