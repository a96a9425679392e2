"""Seals what a device measures, as PSR-1 wants it in MQTT payloads (docs/psr-1.md): with the device's own signing key,
so that only the readers of a policy can open it. Needs the package `cryptography` and nothing of Penstock."""

import base64
import hashlib
import json
import os
import struct
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

A256GCM, ES256, ECDH_ES_A256KW, A256KW = 3, -7, -31, -5  # RFC 9053
RECORDS_MAX = 1 << 32  # of an epoch
BODY = b"\x00"  # the kind before every plaintext
NO_PARTITION = 0xFFFFFFFF


class Tagged:
    def __init__(self, number: int, item) -> None:
        self.number, self.item = number, item


def head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    size = next(n for n in range(4) if argument < 1 << (8 << n))
    return bytes([major << 5 | 24 + size]) + argument.to_bytes(1 << size, "big")


def cbor(item) -> bytes:
    """Deterministic CBOR (RFC 8949, 4.2.1) of what COSE needs."""
    if item is None:
        return b"\xf6"
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        return head(3, len(item.encode())) + item.encode()
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(cbor, item))
    if isinstance(item, dict):
        pairs = sorted((cbor(key), cbor(value)) for key, value in item.items())
        return head(5, len(pairs)) + b"".join(key + value for key, value in pairs)
    return head(6, item.number) + cbor(item.item)


def hkdf(algorithm, size: int, salt: bytes | None, secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=algorithm, length=size, salt=salt, info=info).derive(secret)


# -- keys --------------------------------------------------------------------------------------


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cose_key(key: ec.EllipticCurvePublicKey) -> dict:
    numbers = key.public_numbers()
    return {1: 2, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}


def thumbprint(key: ec.EllipticCurvePublicKey) -> bytes:
    """RFC 9679."""
    return hashlib.sha256(cbor(cose_key(key))).digest()


def public_of_jwk(jwk: dict) -> ec.EllipticCurvePublicKey:
    x, y = (int.from_bytes(unbase64(jwk[name]), "big") for name in "xy")
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


class Producer:
    """A key file that `penstock policy new` has written for producers: a policy and a signing key."""

    def __init__(self, key_file: Path, policy_id: str | None = None) -> None:
        ring = json.loads(key_file.read_text())
        self.policy_id = policy_id or next(iter(ring["producer_keys"]))
        for document in ring["policies"]:
            if isinstance(document, str):
                document = json.loads((key_file.parent / document).read_text())
            policy = document.get("policy", document)  # with or without its owner's signature
            if policy["id"] == self.policy_id:
                self.policy = policy
        canonical = json.dumps(self.policy, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self.policy_digest = hashlib.sha256(canonical.encode()).digest()
        secret = int.from_bytes(unbase64(ring["producer_keys"][self.policy_id]["d"]), "big")
        self.key = ec.derive_private_key(secret, ec.SECP256R1())
        self.thumbprint = thumbprint(self.key.public_key())

    def sign(self, payload: bytes) -> bytes:
        """COSE_Sign1 with ES256."""
        protected = cbor({1: ES256, 4: self.thumbprint})
        signed = cbor(["Signature1", protected, b"", payload])
        r, s = decode_dss_signature(self.key.sign(signed, ec.ECDSA(hashes.SHA256())))
        return cbor(Tagged(18, [protected, {}, payload, r.to_bytes(32, "big") + s.to_bytes(32, "big")]))


# -- epochs and records ------------------------------------------------------------------------


def wrap_for(reader: ec.EllipticCurvePublicKey, content_key: bytes) -> list:
    """A recipient of COSE_Encrypt."""
    protected, ephemeral = cbor({1: ECDH_ES_A256KW}), ec.generate_private_key(ec.SECP256R1())
    context = cbor([A256KW, [None] * 3, [None] * 3, [256, protected]])
    wrapping = hkdf(hashes.SHA256(), 32, None, ephemeral.exchange(ec.ECDH(), reader), context)
    return [protected, {-1: cose_key(ephemeral.public_key()), 4: thumbprint(reader)},
            aes_key_wrap(wrapping, content_key)]


def encrypt_for(readers: list, plaintext: bytes) -> bytes:
    """COSE_Encrypt with A256GCM."""
    protected, content_key, iv = cbor({1: A256GCM}), os.urandom(32), os.urandom(12)
    sealed = AESGCM(content_key).encrypt(iv, plaintext, cbor(["Encrypt", protected, b""]))
    recipients = [wrap_for(reader, content_key) for reader in readers]
    return cbor(Tagged(96, [protected, {5: iv}, sealed, recipients]))


class Epoch:
    """What the records of one run share. An object of this is never stored: the next run begins its own."""

    def __init__(self, epoch_id: bytes, secret: bytes, context: list) -> None:
        self.id, self.secret, self.context, self.records = epoch_id, secret, context, 0
        keys = hkdf(hashes.SHA512(), 76, b"psr1", secret, epoch_id + cbor(context))
        self.cipher, self.base_iv, self.commit = AESGCM(keys[:32]), keys[32:44], keys[44:]

    def seal(self, plaintext: bytes, context: list, partition: int | None = None) -> bytes:
        sequence = self.records  # never used twice, whatever becomes of the record
        self.records += 1
        place = NO_PARTITION if partition is None else partition
        mask = struct.pack(">4xII", place, sequence)
        nonce = bytes(a ^ b for a, b in zip(self.base_iv, mask, strict=True))
        protected = cbor({1: A256GCM, 4: self.id, 6: struct.pack(">I", sequence)})
        aad = cbor(["Encrypt0", protected, cbor(context)])
        return cbor(Tagged(16, [protected, {}, self.cipher.encrypt(nonce, plaintext, aad)]))


class Sealer:
    """Seals for one topic of Penstock what is published to one MQTT topic."""

    def __init__(self, producer: Producer, topic: str, mqtt_topic: str) -> None:
        self.producer, self.mqtt_topic = producer, mqtt_topic
        context = [topic, None, producer.thumbprint, producer.policy_id, producer.policy_digest]
        self.epoch = Epoch(os.urandom(8), os.urandom(32), context)
        readers = [public_of_jwk(jwk) for jwk in producer.policy["readers"]]
        content = {1: self.epoch.id, 2: self.epoch.secret, 3: self.epoch.commit, 4: context,
                   5: producer.policy["not_after"], 6: RECORDS_MAX}
        grant = producer.sign(encrypt_for(readers, cbor(content)))
        # Published before the first record, to the same MQTT topic, and now and then again.
        self.grant = cbor([self.epoch.id + producer.thumbprint, grant])

    def seal(self, body: bytes) -> bytes:
        """A payload for the MQTT topic; copied to another one it does not open."""
        return self.epoch.seal(BODY + body, [self.mqtt_topic.encode(), None, None, None])
