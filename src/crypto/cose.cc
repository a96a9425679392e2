#include "crypto/cose.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "crypto/aead.h"
#include "crypto/cbor.h"
#include "crypto/hkdf.h"
#include "crypto/key_wrap.h"
#include "crypto/limits.h"

namespace penstock::crypto {
namespace {

// Header labels (RFC 9052, 3.1; RFC 9053, 6.3.1).
constexpr std::int64_t kLabelAlg = 1, kLabelKid = 4, kLabelIv = 5, kLabelEphemeralKey = -1;

std::unexpected<Error> malformed(std::string_view what, std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", what, problem));
}

// The encoded map {1: algorithm}.
ByteBuffer algorithm_header(std::int64_t algorithm) {
  CborMap map;
  map.put_integer(kLabelAlg, algorithm);
  return map.encode();
}

// A header whose entries the caller reads itself: only its form is checked here.
Result<> check_header(ByteView encoded, std::string_view what) {
  CborReader reader = TRY(CborReader::over(encoded, what));
  TRY(reader.map());
  return {};
}

ByteBuffer sig_structure(ByteView protected_header, ByteView external_aad, ByteView payload) {
  ByteBuffer out;
  CborWriter writer(out);
  writer.array(4);
  writer.text("Signature1");
  writer.bytes(protected_header);
  writer.bytes(external_aad);
  writer.bytes(payload);
  return out;
}

// Algorithm of a header, which may have other entries too.
Result<std::int64_t> algorithm_of(ByteView header, std::string_view what) {
  CborReader reader = TRY(CborReader::over(header, what));
  std::size_t entries = TRY(reader.map());
  for (std::size_t i = 0; i < entries; ++i) {
    bool is_number = reader.next_type() == CborType::unsigned_integer;
    if (is_number && TRY(reader.unsigned_integer()) == kLabelAlg) return reader.integer();
    if (!is_number) (void)reader.item();
    (void)reader.item();
  }
  return malformed(what, "the protected header names no algorithm");
}

struct Recipient {
  ByteView protected_header;
  ByteView ephemeral_key;  // encoded COSE_Key
  ByteView thumbprint;
  ByteView wrapped_key;
};

struct Encrypted {
  ByteView protected_header;
  ByteView iv;
  ByteView ciphertext;
  std::vector<Recipient> recipients;
};

constexpr std::string_view kEncrypt = "COSE_Encrypt";

Result<Recipient> parse_recipient(CborReader& reader) {
  Recipient out;
  TRY(reader.expect_array(3));
  out.protected_header = TRY(reader.bytes());
  if (!std::ranges::equal(out.protected_header, algorithm_header(kCoseAlgEcdhEsA256Kw)))
    return malformed(kEncrypt, "a recipient's protected header is not {1: -31}");
  TRY(reader.expect_map(2));
  TRY(reader.expect_integer(kLabelKid));
  out.thumbprint = TRY(reader.bytes_of(sizeof(Thumbprint)));
  TRY(reader.expect_integer(kLabelEphemeralKey));
  out.ephemeral_key = reader.item();
  out.wrapped_key = TRY(reader.bytes_of(kGcmKeyBytes + 8));
  return out;
}

Result<Encrypted> parse_encrypted(ByteView message) {
  CborReader reader = TRY(CborReader::over(message, kEncrypt));
  Encrypted out;
  TRY(reader.expect_tag(kCoseTagEncrypt));
  TRY(reader.expect_array(4));
  out.protected_header = TRY(reader.bytes());
  if (!std::ranges::equal(out.protected_header, algorithm_header(kCoseAlgA256Gcm)))
    return malformed(kEncrypt, "the protected header is not {1: 3}");
  TRY(reader.expect_map(1));
  TRY(reader.expect_integer(kLabelIv));
  out.iv = TRY(reader.bytes_of(kGcmNonceBytes));
  out.ciphertext = TRY(reader.bytes());
  if (out.ciphertext.size() < kGcmTagBytes)
    return malformed(kEncrypt, "the ciphertext is shorter than a tag");
  std::size_t recipients = TRY(reader.array());
  if (recipients == 0 || recipients > kCoseRecipientsMax)
    return fail(ErrorCode::limit_exceeded, fmt::format("{}: {} recipients, expected 1 to {}",
                                                       kEncrypt, recipients, kCoseRecipientsMax));
  for (std::size_t i = 0; i < recipients; ++i)
    out.recipients.push_back(TRY(parse_recipient(reader)));
  return out;
}

Result<> write_recipient(CborWriter& writer, ByteView content_key, const P256PublicKey& recipient,
                         RandomSource& random) {
  ByteBuffer protected_header = algorithm_header(kCoseAlgEcdhEsA256Kw);
  P256PrivateKey ephemeral = TRY(P256PrivateKey::generate(random));
  SecretBuffer shared = TRY(ephemeral.agree(recipient));
  SecretBuffer kek = TRY(ecdh_es_a256kw_key(shared.view(), protected_header));
  CborMap unprotected;
  unprotected.put(kLabelEphemeralKey, ephemeral.public_key().to_cose_key());
  unprotected.put_bytes(kLabelKid, recipient.thumbprint());
  writer.array(3);
  writer.bytes(protected_header);
  writer.encoded(unprotected.encode());
  writer.bytes(TRY(wrap_key(kek.view(), content_key)));
  return {};
}

Result<SecretBuffer> unwrap_content_key(const Recipient& recipient, const P256PrivateKey& key) {
  P256PublicKey ephemeral = TRY(P256PublicKey::from_cose_key(recipient.ephemeral_key));
  SecretBuffer shared = TRY(key.agree(ephemeral));
  SecretBuffer kek = TRY(ecdh_es_a256kw_key(shared.view(), recipient.protected_header));
  return unwrap_key(kek.view(), recipient.wrapped_key);
}

}  // namespace

Result<CoseSign1> parse_sign1(ByteView message) {
  CborReader reader = TRY(CborReader::over(message, "COSE_Sign1"));
  CoseSign1 out;
  TRY(reader.expect_tag(kCoseTagSign1));
  TRY(reader.expect_array(4));
  out.protected_header = TRY(reader.bytes());
  TRY(check_header(out.protected_header, "COSE_Sign1: protected header"));
  out.unprotected_header = reader.item();
  TRY(check_header(out.unprotected_header, "COSE_Sign1: unprotected header"));
  out.payload = TRY(reader.bytes());
  out.signature = TRY(reader.bytes());
  return out;
}

Result<> verify_sign1(const CoseSign1& message, ByteView external_aad, const P256PublicKey& key) {
  std::int64_t algorithm = TRY(algorithm_of(message.protected_header, "COSE_Sign1"));
  if (algorithm != kCoseAlgEs256)
    return fail(ErrorCode::unsupported, fmt::format("COSE_Sign1: algorithm {}, expected {} (ES256)",
                                                    algorithm, kCoseAlgEs256));
  ByteBuffer signed_bytes = sig_structure(message.protected_header, external_aad, message.payload);
  if (!key.verify_es256(signed_bytes, message.signature))
    return fail(ErrorCode::not_authentic, "COSE_Sign1: the signature does not verify");
  return {};
}

Result<ByteBuffer> sign1(ByteView protected_header, ByteView payload, ByteView external_aad,
                         const P256PrivateKey& key) {
  Es256Signature signature =
      TRY(key.sign_es256(sig_structure(protected_header, external_aad, payload)));
  ByteBuffer out;
  CborWriter writer(out);
  writer.tag(kCoseTagSign1);
  writer.array(4);
  writer.bytes(protected_header);
  writer.map(0);
  writer.bytes(payload);
  writer.bytes(signature);
  return out;
}

Result<CoseEncrypt0> parse_encrypt0(ByteView message) {
  CborReader reader = TRY(CborReader::over(message, "COSE_Encrypt0"));
  CoseEncrypt0 out;
  TRY(reader.expect_tag(kCoseTagEncrypt0));
  TRY(reader.expect_array(3));
  out.protected_header = TRY(reader.bytes());
  TRY(check_header(out.protected_header, "COSE_Encrypt0: protected header"));
  out.unprotected_header = reader.item();
  TRY(check_header(out.unprotected_header, "COSE_Encrypt0: unprotected header"));
  out.ciphertext = TRY(reader.bytes());
  return out;
}

ByteBuffer encode_encrypt0(ByteView protected_header, ByteView ciphertext) {
  ByteBuffer out;
  CborWriter writer(out);
  writer.tag(kCoseTagEncrypt0);
  writer.array(3);
  writer.bytes(protected_header);
  writer.map(0);
  writer.bytes(ciphertext);
  return out;
}

ByteBuffer enc_structure(std::string_view context, ByteView protected_header,
                         ByteView external_aad) {
  ByteBuffer out;
  CborWriter writer(out);
  writer.array(3);
  writer.text(context);
  writer.bytes(protected_header);
  writer.bytes(external_aad);
  return out;
}

Result<ByteBuffer> encrypt_for(ByteView plaintext, std::span<const P256PublicKey> recipients,
                               RandomSource& random) {
  if (recipients.empty() || recipients.size() > kCoseRecipientsMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("{}: {} recipients, expected 1 to {}", kEncrypt, recipients.size(),
                            kCoseRecipientsMax));
  SecretBuffer content_key = TRY(SecretBuffer::create(kGcmKeyBytes));
  TRY(random.fill(content_key.span()));
  std::array<std::uint8_t, kGcmNonceBytes> iv;
  TRY(random.fill(iv));
  ByteBuffer protected_header = algorithm_header(kCoseAlgA256Gcm);
  ByteBuffer ciphertext(plaintext.size() + kGcmTagBytes);
  TRY(Aes256Gcm::create(content_key.view()))
      .seal(iv, enc_structure("Encrypt", protected_header, {}), plaintext, ciphertext);

  CborMap unprotected;
  unprotected.put_bytes(kLabelIv, iv);
  ByteBuffer out;
  CborWriter writer(out);
  writer.tag(kCoseTagEncrypt);
  writer.array(4);
  writer.bytes(protected_header);
  writer.encoded(unprotected.encode());
  writer.bytes(ciphertext);
  writer.array(recipients.size());
  for (const P256PublicKey& recipient : recipients)
    TRY(write_recipient(writer, content_key.view(), recipient, random));
  return out;
}

Result<SecretBuffer> decrypt_with(ByteView message, const P256PrivateKey& key) {
  Encrypted parsed = TRY(parse_encrypted(message));
  Thumbprint own = key.public_key().thumbprint();
  auto recipient = std::ranges::find_if(parsed.recipients, [&](const Recipient& candidate) {
    return std::ranges::equal(candidate.thumbprint, own);
  });
  if (recipient == parsed.recipients.end())
    return fail(ErrorCode::not_found, fmt::format("{}: none of the {} recipients is this key",
                                                  kEncrypt, parsed.recipients.size()));
  SecretBuffer content_key = TRY_IN(unwrap_content_key(*recipient, key), kEncrypt);
  SecretBuffer plaintext = TRY(SecretBuffer::create(parsed.ciphertext.size() - kGcmTagBytes));
  ByteBuffer aad = enc_structure("Encrypt", parsed.protected_header, {});
  Aes256Gcm aead = TRY(Aes256Gcm::create(content_key.view()));
  if (!aead.open(parsed.iv, aad, parsed.ciphertext, plaintext.span()))
    return fail(ErrorCode::not_authentic,
                fmt::format("{}: the content does not open; wrong key or changed bytes", kEncrypt));
  return plaintext;
}

Result<SecretBuffer> ecdh_es_a256kw_key(ByteView shared_secret,
                                        ByteView recipient_protected_header) {
  constexpr std::int64_t kKeyBits = 256;
  ByteBuffer context;
  CborWriter writer(context);
  writer.array(4);
  writer.integer(kCoseAlgA256Kw);
  for (int party = 0; party < 2; ++party) {  // U, then V
    writer.array(3);
    for (int i = 0; i < 3; ++i) writer.null();
  }
  writer.array(2);
  writer.integer(kKeyBits);
  writer.bytes(recipient_protected_header);
  return hkdf_sha256({.key_material = shared_secret, .salt = {}, .info = context}, kKeyBits / 8);
}

}  // namespace penstock::crypto
