#include "seal/grant.h"

#include <algorithm>

#include <fmt/format.h>

#include "crypto/cbor.h"
#include "crypto/cose.h"
#include "seal/limits.h"

namespace penstock::seal {
namespace {

constexpr std::string_view kSuffix = ".grants";
// Labels of the plaintext.
constexpr std::int64_t kEpochId = 1, kSecret = 2, kCommit = 3, kContext = 4, kNotAfter = 5,
                       kRecordsMax = 6;
// Labels of the signature's protected header.
constexpr std::int64_t kAlg = 1, kKid = 4;

std::unexpected<Error> malformed(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("grant: {}", problem));
}

ByteBuffer signature_header(const crypto::Thumbprint& producer) {
  crypto::CborMap map;
  map.put_integer(kAlg, crypto::kCoseAlgEs256);
  map.put_bytes(kKid, producer);
  return map.encode();
}

// Whose signature it claims to be.
Result<crypto::Thumbprint> signer_of(const crypto::CoseSign1& message) {
  crypto::CborReader reader =
      TRY(crypto::CborReader::over(message.protected_header, "grant: protected header"));
  crypto::Thumbprint out;
  TRY(reader.expect_map(2));
  TRY(reader.expect_integer(kAlg));
  TRY(reader.expect_integer(crypto::kCoseAlgEs256));
  TRY(reader.expect_integer(kKid));
  ByteView thumbprint = TRY(reader.bytes_of(out.size()));
  std::copy(thumbprint.begin(), thumbprint.end(), out.begin());
  if (message.unprotected_header.size() != 1)
    return malformed("the unprotected header is not empty");
  return out;
}

// The plaintext, by view into it.
struct Content {
  EpochId epoch;
  ByteView secret;
  ByteView commit;
  ByteView context;  // encoded
  std::int64_t not_after_s = 0;
  std::uint64_t records_max = 0;
};

Result<Content> parse_content(ByteView plaintext) {
  crypto::CborReader reader = TRY(crypto::CborReader::over(plaintext, "grant: content"));
  Content out;
  TRY(reader.expect_map(6));
  TRY(reader.expect_integer(kEpochId));
  out.epoch = TRY(epoch_id_from(TRY(reader.bytes_of(kEpochIdBytes))));
  TRY(reader.expect_integer(kSecret));
  out.secret = TRY(reader.bytes_of(kEpochSecretBytes));
  TRY(reader.expect_integer(kCommit));
  out.commit = TRY(reader.bytes_of(kCommitBytes));
  TRY(reader.expect_integer(kContext));
  out.context = reader.item();
  TRY(reader.expect_integer(kNotAfter));
  out.not_after_s = TRY(reader.integer());
  TRY(reader.expect_integer(kRecordsMax));
  out.records_max = TRY(reader.unsigned_integer());
  if (out.records_max == 0 || out.records_max > kEpochRecordsMax)
    return malformed(
        fmt::format("{} records at most, expected 1 to {}", out.records_max, kEpochRecordsMax));
  return out;
}

Result<> check_context(const EpochContext& context, const crypto::Thumbprint& signer,
                       const GrantExpectation& expected) {
  if (context.producer != signer)
    return fail(ErrorCode::not_authentic,
                "grant: its context names another producer than signed it");
  if (context.topic != expected.topic)
    return fail(ErrorCode::failed_precondition,
                fmt::format("grant: it is for another topic than '{}'", expected.topic));
  if (context.policy_id != expected.policy_id)
    return fail(ErrorCode::failed_precondition,
                fmt::format("grant: it is under another policy than '{}'", expected.policy_id));
  if (context.policy_digest != expected.policy_digest)
    return fail(
        ErrorCode::failed_precondition,
        fmt::format("grant: it is under another version of policy '{}': digest {}, here {}; "
                    "give the reader the policy that the producer used",
                    expected.policy_id, to_hex(context.policy_digest),
                    to_hex(expected.policy_digest)));
  if (expected.schema_required && !context.schema_reference)
    return fail(ErrorCode::failed_precondition,
                fmt::format("grant: policy '{}' requires a schema and the grant names none",
                            expected.policy_id));
  return {};
}

}  // namespace

std::string grants_topic(std::string_view topic) {
  return fmt::format("{}{}", topic, kSuffix);
}

bool is_grants_topic(std::string_view topic) {
  return topic.size() > kSuffix.size() && topic.ends_with(kSuffix);
}

Result<ByteBuffer> make_grant(const GrantSpec& spec, ByteView secret, const Policy& policy,
                              const crypto::P256PrivateKey& producer,
                              crypto::RandomSource& random) {
  ByteBuffer context = encode_context(spec.context);
  EpochKeys keys = TRY(EpochKeys::derive(secret, spec.epoch, context));
  ByteBuffer content;
  content.reserve(256 + context.size());  // so that growing leaves no copy of the secret behind
  crypto::CborWriter writer(content);
  writer.map(6);
  writer.integer(kEpochId);
  writer.bytes(to_bytes(spec.epoch));
  writer.integer(kSecret);
  writer.bytes(secret);
  writer.integer(kCommit);
  writer.bytes(keys.commit());
  writer.integer(kContext);
  writer.encoded(context);
  writer.integer(kNotAfter);
  writer.integer(spec.not_after_s);
  writer.integer(kRecordsMax);
  writer.unsigned_integer(spec.records_max);
  Result<ByteBuffer> encrypted = crypto::encrypt_for(content, policy.readers(), random);
  wipe(content);
  if (!encrypted) return fail(encrypted.error().in("making a grant"));
  return crypto::sign1(signature_header(producer.public_key().thumbprint()), *encrypted, {},
                       producer);
}

Result<OpenedGrant> open_grant(ByteView grant, const ProducerKeys& producers,
                               const crypto::P256PrivateKey& reader,
                               const GrantExpectation& expected) {
  if (grant.size() > kGrantBytesMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("grant: {} bytes, at most {} are taken", grant.size(), kGrantBytesMax));
  crypto::CoseSign1 message = TRY_IN(crypto::parse_sign1(grant), "grant");
  crypto::Thumbprint signer = TRY(signer_of(message));
  const crypto::P256PublicKey* producer = producers.find(signer);
  if (producer == nullptr)
    return fail(ErrorCode::permission_denied,
                fmt::format("grant: policy '{}' does not name the producer with thumbprint {}",
                            expected.policy_id, to_hex(signer)));
  TRY_IN(crypto::verify_sign1(message, {}, *producer), "grant");
  Result<SecretBuffer> plaintext = crypto::decrypt_with(message.payload, reader);
  if (!plaintext && plaintext.error().code() == ErrorCode::not_found)
    return fail(ErrorCode::permission_denied,
                fmt::format("grant: not given to this reader's policy key (thumbprint {})",
                            to_hex(reader.public_key().thumbprint())));
  if (!plaintext) return fail(plaintext.error().in("grant"));

  Content content = TRY(parse_content(plaintext->view()));
  EpochContext context = TRY_IN(parse_context(content.context), "grant");
  TRY(check_context(context, signer, expected));
  if (content.not_after_s < expected.now_s)
    return fail(ErrorCode::failed_precondition,
                fmt::format("grant: it ended at {} (Unix seconds), now is {}", content.not_after_s,
                            expected.now_s));
  EpochKeys keys = TRY(EpochKeys::derive(content.secret, content.epoch, content.context));
  if (!equal_constant_time(keys.commit(), content.commit))
    return fail(ErrorCode::not_authentic, "grant: the keys do not match its commitment");
  return OpenedGrant{.spec = {.epoch = content.epoch,
                              .context = std::move(context),
                              .not_after_s = content.not_after_s,
                              .records_max = content.records_max},
                     .keys = std::move(keys)};
}

}  // namespace penstock::seal
