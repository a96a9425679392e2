"""TLS, mTLS, SASL with the programs; what they say when the password, the CA or the certificate is wrong."""

import unittest

from kafka_case import PASSWORD, KafkaCase

VALUES = [{"n": n} for n in range(50)]


class SecurityCase(KafkaCase):
    def check_works(self, *config: object) -> None:
        if config:
            self.where = lambda data=None: ["--kafka", self.cluster.bootstrap, *config]
        self.produce("t", VALUES)
        self.run_to_end(self.sql_file("""
CREATE STREAM t (n BIGINT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');
CREATE STREAM u WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON') AS SELECT n + 1 AS n FROM t EMIT CHANGES;
"""))
        self.assertEqual([row["N"] for row in self.consume("u")], list(range(1, 51)))

    def check_refused(self, *words: str, **instead: object) -> None:
        done = self.penstock("produce", "--kafka", self.cluster.bootstrap, *self.kafka_config(**instead), "--topic",
                             "t", stdin='{"n":1}\n', expect=None)
        self.assertNotEqual(done.returncode, 0)
        for word in words:
            self.assertIn(word, done.stderr)
        for secret in (PASSWORD, "not-the-password"):
            self.assertNotIn(secret, done.stderr)
        self.assertEqual(self.admin.topics(), [])


class Tls(SecurityCase):
    security = "tls"

    def test_it_works(self) -> None:
        self.check_works()

    def test_somebody_elses_ca_is_refused(self) -> None:
        self.check_refused("CA", "certificate", ca=self.cluster.certificates.foreign_ca)

    def test_plain_text_to_a_tls_port_is_refused(self) -> None:
        self.check_refused("127.0.0.1", security="plaintext", ca=None)


class MutualTls(SecurityCase):
    security = "mtls"

    def test_it_works(self) -> None:
        self.check_works()

    def test_a_foreign_certificate_is_refused(self) -> None:
        known = self.cluster.certificates
        self.check_refused("certificate", certificate=known.foreign_certificate, private_key=known.foreign_key)

    def test_no_certificate_is_refused(self) -> None:
        self.check_refused("certificate", certificate=None, private_key=None)


class SaslTls(SecurityCase):
    security = "sasl_tls"

    def test_scram_sha_512(self) -> None:
        self.check_works()

    def test_scram_sha_256(self) -> None:
        self.check_works(*self.kafka_config(sasl="scram-sha-256"))

    def test_plain(self) -> None:
        self.check_works(*self.kafka_config(sasl="plain"))

    def test_a_wrong_password_is_refused_and_not_shown(self) -> None:
        wrong = self.password_file("not-the-password")
        for mechanism in ("scram-sha-512", "plain"):
            self.check_refused("password", sasl=mechanism, password_file=wrong)

    def test_somebody_elses_ca_is_refused(self) -> None:
        self.check_refused("CA", ca=self.cluster.certificates.foreign_ca)

    def test_a_password_file_that_others_read_is_refused(self) -> None:
        open_file = self.password_file(PASSWORD)
        open_file.chmod(0o644)
        self.check_refused("0600", password_file=open_file)


class SaslPlaintext(SecurityCase):
    security, version = "sasl_plaintext", "3.9.2"

    def test_scram_works(self) -> None:
        self.check_works()


if __name__ == "__main__":
    unittest.main()
