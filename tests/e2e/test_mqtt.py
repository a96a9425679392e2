"""`penstock mqtt sub` and `pub` against mosquitto and its own clients."""

import json
import signal
import socket
import subprocess
import unittest

from certificates import Certificates
from harness import FORBIDDEN, PENSTOCK, USAGE
from mqtt_case import Broker, MqttCase, free_port


class Mqtt(Certificates, MqttCase):
    def test_messages_go_both_ways_at_every_quality_and_version(self) -> None:
        for version in ("5", "3.1.1"):
            for qos in (0, 1, 2):
                reader = self.start(PENSTOCK, "mqtt", "sub", *self.where(), "-t", "both/#", "-q", qos, "-C", 4, "-v", "-V",
                                    version, stdout=subprocess.PIPE)
                self.wait_until(self.established, "the subscriber")
                self.sub("-t", "both/#", "-E")  # its turn at the broker comes after the first one's
                self.foreign_pub("-t", "both/a", "-q", qos, "-l", stdin="eins\nzwei\n")
                self.pub("-t", "both/b", "-q", qos, "-V", version, "-l", stdin="three\nfour\n")
                self.assertEqual(reader.stdout.read().splitlines(),
                                 ["both/a eins", "both/a zwei", "both/b three", "both/b four"])
                self.assertEqual(reader.wait(), 0)

    def test_properties_retained_and_binary_payloads_come_as_json(self) -> None:
        self.foreign_pub("-t", "j", "-V", "mqttv5", "-q", 1, "-r", "-m", "é", "-D", "publish", "user-property", "trace", "1",
                         "-D", "publish", "content-type", "text/plain")
        shown = json.loads(self.sub("-t", "j", "-C", 1, "--json", "-q", 1).stdout)
        self.assertEqual(shown, {"topic": "j", "payload": "é", "qos": 1, "retain": True, "content_type": "text/plain",
                                 "user_properties": [["trace", "1"]]})
        binary = self.folder / "binary"
        binary.write_bytes(b"\xff\x00\x01")
        self.pub("-t", "j", "-r", "-f", binary, "--user-property", "a=b=c")
        shown = json.loads(self.sub("-t", "j", "-C", 1, "--json").stdout)
        self.assertEqual((shown["payload_base64"], shown["user_properties"]), ("/wAB", [["a", "b=c"]]))
        self.pub("-t", "j", "-r", "-n")
        self.sub("-t", "j", "-C", 1, "-W", 1, expect=None)

    def test_a_kept_session_gets_what_came_while_it_was_away(self) -> None:
        for version in ("5", "3.1.1"):
            keep = ["-t", "kept", "-q", 2, "-i", f"reader-{version}", "-c", "-V", version]
            self.sub(*keep, "-E")
            self.pub("-t", "kept", "-q", 2, "-l", stdin="".join(f"{i}\n" for i in range(500)))
            first = self.sub(*keep, "-C", 200).stdout.split()
            rest = self.sub(*keep, "-C", 300).stdout.split()
            self.assertEqual(first + rest, [str(i) for i in range(500)])

    def test_a_subscriber_that_is_killed_loses_nothing(self) -> None:
        for qos in (1, 2):
            keep = ["-t", "killed", "-q", qos, "-i", f"killed-{qos}", "-c"]
            self.sub(*keep, "-E")
            self.pub("-t", "killed", "-q", qos, "-l", stdin="".join(f"{i}\n" for i in range(2000)))
            out = self.folder / f"killed-{qos}"
            with out.open("w") as file:
                reader = self.start(PENSTOCK, "mqtt", "sub", *self.where(), *keep, stdout=file)
                self.wait_until(lambda: out.stat().st_size > 0, "the first messages")
                reader.send_signal(signal.SIGKILL)
                reader.wait()
            with out.open("a") as file:
                self.start(PENSTOCK, "mqtt", "sub", *self.where(), *keep, stdout=file)
                self.wait_until(lambda: {str(i) for i in range(2000)} <= set(out.read_text().split()), "all messages")

    def test_it_connects_again_when_the_broker_was_killed(self) -> None:
        reader = self.start(PENSTOCK, "mqtt", "sub", *self.where(), "-t", "again", "-q", 1, "-i", "again", "-c", "-C", 2,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.wait_until(lambda: self.established(), "the subscriber")
        self.foreign_pub("-t", "again", "-q", 1, "-m", "before")
        self.assertEqual(reader.stdout.readline(), "before\n")
        self.broker.stop(signal.SIGKILL)
        self.broker.start()
        self.wait_until(lambda: self.established(), "the subscriber again")
        self.wait_until(lambda: self.sends_until_heard(reader), "the second message")
        self.assertIn("connected again", reader.stderr.read())

    def established(self) -> bool:
        shown = subprocess.run(["ss", "-Htn", f"sport = :{self.broker.port}"], capture_output=True, text=True).stdout
        return "ESTAB" in shown

    def sends_until_heard(self, reader: subprocess.Popen) -> bool:
        self.foreign_pub("-t", "again", "-q", 1, "-m", "after")
        try:
            return reader.wait(timeout=0.2) == 0
        except subprocess.TimeoutExpired:
            return False

    def test_what_is_wrong_is_said(self) -> None:
        self.assertIn("not a filter", self.sub("-t", "a#", expect=USAGE).stderr)
        self.assertIn("needs a client id", self.sub("-t", "a", "-c", expect=USAGE).stderr)
        self.assertIn("without '+'", self.pub("-t", "a/+", "-m", "x", expect=USAGE).stderr)
        port = free_port()
        done = self.penstock("mqtt", "pub", "-h", "127.0.0.1", "-p", port, "-t", "a", "-m", "x", expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(port), done.stderr)
        with socket.socket() as silent:  # takes connections, says nothing
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            reader = self.start(PENSTOCK, "mqtt", "sub", "-h", "127.0.0.1", "-p", silent.getsockname()[1], "-t", "a",
                                stderr=subprocess.PIPE)
            reader.send_signal(signal.SIGTERM)
            reader.wait()

    def test_a_publisher_that_waits_for_lines_ends_when_it_is_told_or_has_no_broker(self) -> None:
        waits = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
        told = self.start(PENSTOCK, "mqtt", "pub", *self.where(), "-t", "a", "-l", **waits)
        self.wait_until(self.established, "the publisher")
        told.send_signal(signal.SIGINT)
        self.assertNotEqual(told.wait(timeout=20), 0)
        alone = self.start(PENSTOCK, "mqtt", "pub", "-h", "127.0.0.1", "-p", free_port(), "-t", "a", "-l", **waits)
        self.assertNotEqual(alone.wait(timeout=20), 0)
        self.assertIn("refused", alone.stderr.read())

    def test_two_clients_of_one_id_say_who_took_over(self) -> None:
        first = self.start(PENSTOCK, "mqtt", "sub", *self.where(), "-t", "a", "-i", "same", stderr=subprocess.PIPE)
        self.wait_until(self.established, "the first")
        self.sub("-t", "a", "-i", "same", "-E")
        said = first.stderr.readline()  # this broker only closes; others send 0x8e, which ends the first
        self.assertRegex(said, "another client (connects|has connected) as 'same'")


class Secured(Certificates, MqttCase):
    def setUp(self) -> None:
        super().setUp()
        self.broker.stop()
        ca = self.make_ca("broker-ca")
        self.issue("broker", ca, "serverAuth", "subjectAltName=IP:127.0.0.1\n")
        self.issue("device", ca, "clientAuth")
        passwords = self.folder / "passwords"
        subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "user", "geheim"], check=True, capture_output=True)
        self.broker = Broker(self.folder / "secured", more=(
            f"allow_anonymous false\npassword_file {passwords}\ncafile {ca}\ncertfile {self.folder}/broker.pem\n"
            f"keyfile {self.folder}/broker.key.pem\nrequire_certificate true\n")).start()
        self.addCleanup(self.broker.stop, signal.SIGKILL)
        self.tls = ["--cafile", ca, "--cert", self.folder / "device.pem", "--key", self.folder / "device.key.pem"]
        self.password = self.folder / "password"
        self.password.write_text("geheim\n")
        self.password.chmod(0o600)

    def test_tls_client_certificates_and_passwords(self) -> None:
        login = [*self.tls, "-u", "user", "--password-file", self.password]
        self.pub("-t", "s", "-q", 2, "-r", "-m", "sealed", *login)
        self.assertEqual(self.sub("-t", "s", "-C", 1, *login).stdout, "sealed\n")
        self.password.write_text("falsch\n")
        for version in ("5", "3.1.1"):
            done = self.pub("-t", "s", "-m", "x", "-V", version, *login, expect=FORBIDDEN)
            self.assertIn("check user, password", done.stderr)
        self.password.chmod(0o644)
        self.assertIn("chmod 600", self.pub("-t", "s", "-m", "x", *login, expect=FORBIDDEN).stderr)
        other = self.make_ca("other")
        done = self.pub("-t", "s", "-m", "x", "--cafile", other, "-u", "user", "-P", "geheim", expect=None)
        self.assertIn("certificate", done.stderr)
        done = self.pub("-t", "s", "-m", "x", *self.tls[:2], "-u", "user", "-P", "geheim", expect=None)
        self.assertNotEqual(done.returncode, 0)  # without a client's certificate


if __name__ == "__main__":
    unittest.main()
