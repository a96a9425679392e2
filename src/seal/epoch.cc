#include "seal/epoch.h"

#include <algorithm>

#include <fmt/format.h>

#include "crypto/cbor.h"
#include "crypto/hkdf.h"
#include "seal/limits.h"
#include "seal/record_codec.h"

namespace penstock::seal {

EpochIdBytes to_bytes(EpochId id) {
  EpochIdBytes out;
  store_u64(out.data(), id.value());
  return out;
}

Result<EpochId> epoch_id_from(ByteView bytes) {
  if (bytes.size() != kEpochIdBytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("epoch id: {} bytes, expected {}", bytes.size(), kEpochIdBytes));
  return EpochId(load_u64(bytes.data()));
}

EpochNameBytes to_bytes(const EpochName& name) {
  static_assert(sizeof name.producer == kEpochNameBytes - kEpochIdBytes);
  EpochNameBytes out;
  store_u64(out.data(), name.epoch.value());
  std::ranges::copy(name.producer, out.begin() + kEpochIdBytes);
  return out;
}

Result<EpochName> epoch_name_from(ByteView bytes) {
  if (bytes.size() != kEpochNameBytes)
    return fail(ErrorCode::invalid_argument,
                fmt::format("epoch name: {} bytes, expected {} (epoch id and producer thumbprint)",
                            bytes.size(), kEpochNameBytes));
  EpochName out;
  out.epoch = EpochId(load_u64(bytes.data()));
  std::ranges::copy(bytes.subspan(kEpochIdBytes), out.producer.begin());
  return out;
}

std::string to_text(const EpochName& name) {
  return fmt::format("{}/{}", to_hex(to_bytes(name.epoch)), to_hex(name.producer));
}

ByteBuffer encode_context(const EpochContext& context) {
  ByteBuffer out;
  crypto::CborWriter writer(out);
  writer.array(5);
  writer.text(context.topic);
  if (context.schema_reference)
    writer.text(*context.schema_reference);
  else
    writer.null();
  writer.bytes(context.producer);
  writer.text(context.policy_id);
  writer.bytes(context.policy_digest);
  return out;
}

Result<EpochContext> parse_context(ByteView cbor) {
  crypto::CborReader reader = TRY(crypto::CborReader::over(cbor, "epoch context"));
  EpochContext out;
  TRY(reader.expect_array(5));
  out.topic = TRY(reader.text());
  if (!reader.take_null()) out.schema_reference = TRY(reader.text());
  ByteView producer = TRY(reader.bytes_of(out.producer.size()));
  std::copy(producer.begin(), producer.end(), out.producer.begin());
  out.policy_id = TRY(reader.text());
  ByteView digest = TRY(reader.bytes_of(out.policy_digest.size()));
  std::copy(digest.begin(), digest.end(), out.policy_digest.begin());
  if (out.topic.size() > kTopicBytesMax || out.policy_id.size() > kPolicyIdBytesMax ||
      (out.schema_reference && out.schema_reference->size() > kSchemaReferenceBytesMax))
    return fail(ErrorCode::limit_exceeded, "epoch context: a name is too long");
  return out;
}

Result<EpochKeys> EpochKeys::derive(ByteView secret, EpochId id, ByteView context) {
  constexpr std::size_t kDerivedBytes = 32 + 12 + kCommitBytes;
  ByteBuffer info = to_buffer(to_bytes(id));
  info.insert(info.end(), context.begin(), context.end());
  return EpochKeys(TRY(crypto::hkdf_sha512(
      {.key_material = secret, .salt = as_bytes("psr1"), .info = info}, kDerivedBytes)));
}

}  // namespace penstock::seal
