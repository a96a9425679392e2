"""The password of an MQTT broker comes from the manager, to an attested penstockd alone."""

import signal
import subprocess
import unittest
from pathlib import Path

from certificates import Certificates
from manager_case import PAYMENTS_SQL, ManagerCase
from mqtt_case import Broker, MqttCase

PASSWORD = "correct-horse-battery"


class AttestedSecrets(Certificates, MqttCase, ManagerCase):
    def setUp(self) -> None:
        super().setUp()
        self.make_stream_policies()
        passwords = self.folder / "passwords"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "device", PASSWORD], check=True, capture_output=True)
        self.authority = self.make_ca("broker-ca")
        self.issue("broker", self.authority, "serverAuth", "subjectAltName=IP:127.0.0.1\n")
        self.guarded = Broker(self.folder / "guarded", more="allow_anonymous false\n"
                              f"password_file {passwords}\ncertfile {self.folder}/broker.pem\n"
                              f"keyfile {self.folder}/broker.key.pem\n").start()
        self.addCleanup(self.guarded.stop, signal.SIGKILL)

    def task(self) -> dict:
        return self.ksql("DESCRIBE CONNECTOR sensors;")[0]["status"]["tasks"][0]

    def test_the_secret_is_asked_for_when_the_connector_connects(self) -> None:
        config = self.measured_config(PAYMENTS_SQL + (
            f"CREATE SOURCE CONNECTOR sensors WITH (connector='mqtt', url='mqtts://127.0.0.1:{self.guarded.port}', "
            f"ca='{self.authority.read_text()}', username='device', password='${{secret:broker}}', topics='plant/#', "
            "topic='readings');"))
        self.approve(config)
        self.produce_payments(0, 20)
        self.start_attested(config)
        self.wait_until(lambda: self.task()["state"] == "FAILED", "a connector without its secret")
        self.assertIn("broker", self.task()["trace"])
        self.wait_until(lambda: self.count("masked") == 20, "queries, which it does not concern")
        self.put_secret("secret/broker", PASSWORD)
        self.wait_until(lambda: self.task()["state"] == "RUNNING", "the connector with its secret")
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.guarded.port), "--cafile", self.authority, "-u",
                        "device", "-P", PASSWORD, "-t", "plant/1", "-q", "1", "-m", '{"c":1}'], check=True)
        self.wait_until(lambda: self.count("readings") == 1, "the message")
        granted = {e["subject"] for e in self.audit() if e["action"] == "release" and e["outcome"] == "granted"}
        self.assertIn(f"{self.app}/secret/broker", granted)
        self.check_nobody_has_it()

    def check_nobody_has_it(self) -> None:
        for root in (Path(self.data), self.store, self.folder / "penstockd.log", self.folder / "manager.log"):
            for file in [root] if root.is_file() else [f for f in root.rglob("*") if f.is_file()]:
                self.assertNotIn(PASSWORD.encode(), file.read_bytes(), file)


if __name__ == "__main__":
    unittest.main()
