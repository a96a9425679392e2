#include "attest/nitro_document.h"

#include <fmt/format.h>

#include "attest/limits.h"
#include "crypto/cbor.h"
#include "crypto/cbor_value.h"

namespace penstock::attest {
namespace {

using Kind = crypto::CborValue::Kind;

constexpr std::string_view kDocument = "attestation document";
constexpr std::size_t kPcrsMax = 32, kBundleEntryBytesMax = 1024, kKeyBytesMax = 1024,
                      kDataBytesMax = 512, kModuleIdBytesMax = 256, kSignatureBytes = 96;

std::unexpected<Error> bad_document(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", kDocument, problem));
}

// {1: alg} and nothing else: no `crit`, nothing that a signer could have meant otherwise.
Result<std::int64_t> algorithm_in(ByteView protected_header) {
  const crypto::CborValue map = TRY(crypto::parse_cbor(protected_header, "protected header"));
  const crypto::CborValue* algorithm = map.find(1);
  if (algorithm == nullptr || !algorithm->is(Kind::number) || map.items.size() != 2)
    return bad_document("the protected header must hold the algorithm and nothing else");
  return algorithm->number;
}

Result<std::optional<ByteBuffer>> optional_bytes(const crypto::CborValue& map, std::string_view key,
                                                 std::size_t bytes_max) {
  const crypto::CborValue* value = map.find(key);
  if (value == nullptr || value->is(Kind::null)) return std::optional<ByteBuffer>();
  if (!value->is(Kind::bytes) || value->bytes.size() > bytes_max)
    return bad_document(fmt::format("'{}' is not of at most {} bytes", key, bytes_max));
  return std::optional<ByteBuffer>(to_buffer(value->bytes));
}

Result<std::string> short_text(const crypto::CborValue& map, std::string_view key) {
  const crypto::CborValue* value = map.find(key);
  if (value == nullptr || !value->is(Kind::text) || value->bytes.empty() ||
      value->bytes.size() > kModuleIdBytesMax)
    return bad_document(fmt::format("'{}' is not a short text", key));
  for (const char c : value->text())
    if (static_cast<std::uint8_t>(c) < 0x20 || static_cast<std::uint8_t>(c) > 0x7e)
      return bad_document(fmt::format("'{}' has characters that do not belong there", key));
  return std::string(value->text());
}

Result<> parse_pcrs(const crypto::CborValue& map, NitroDocument& out) {
  const crypto::CborValue* enclave = map.find("pcrs");
  const crypto::CborValue* tpm = map.find("nitrotpm_pcrs");
  if ((enclave == nullptr) == (tpm == nullptr))
    return bad_document("expected either 'pcrs' or 'nitrotpm_pcrs'");
  out.tpm = tpm != nullptr;
  const crypto::CborValue& pcrs = out.tpm ? *tpm : *enclave;
  if (!pcrs.is(Kind::map) || pcrs.items.empty() || pcrs.items.size() > 2 * kPcrsMax)
    return bad_document("the registers are not a map of 1 to 32");
  for (std::size_t i = 0; i < pcrs.items.size(); i += 2) {
    const crypto::CborValue &key = pcrs.items[i], &value = pcrs.items[i + 1];
    if (!key.is(Kind::number) || key.number < 0 || key.number >= 32 || !value.is(Kind::bytes) ||
        value.bytes.size() != 48)
      return bad_document("a register is not one of 0 to 31 with 48 bytes");
    out.pcrs.emplace(static_cast<int>(key.number), to_buffer(value.bytes));
  }
  return {};
}

Result<> parse_certificates(const crypto::CborValue& map, NitroDocument& out) {
  const crypto::CborValue* certificate = map.find("certificate");
  const crypto::CborValue* bundle = map.find("cabundle");
  if (certificate == nullptr || !certificate->is(Kind::bytes) || certificate->bytes.empty() ||
      certificate->bytes.size() > 2 * kBundleEntryBytesMax)
    return bad_document("'certificate' is not there");
  if (bundle == nullptr || !bundle->is(Kind::array) || bundle->items.empty() ||
      bundle->items.size() > 8)
    return bad_document("'cabundle' is not a list of 1 to 8 certificates");
  out.certificate = to_buffer(certificate->bytes);
  for (const crypto::CborValue& each : bundle->items) {
    if (!each.is(Kind::bytes) || each.bytes.empty() || each.bytes.size() > kBundleEntryBytesMax)
      return bad_document("a certificate of 'cabundle' is not of 1 to 1024 bytes");
    out.bundle.push_back(to_buffer(each.bytes));
  }
  return {};
}

Result<> parse_payload(ByteView payload, NitroDocument& out) {
  const crypto::CborValue map = TRY(crypto::parse_cbor(payload, kDocument));
  if (!map.is(Kind::map)) return bad_document("the payload is not a map");
  out.indefinite = map.indefinite;
  out.module_id = TRY(short_text(map, "module_id"));
  out.digest = TRY(short_text(map, "digest"));
  if (out.digest != "SHA384") return bad_document("'digest' is not SHA384");
  const crypto::CborValue* timestamp = map.find("timestamp");
  if (timestamp == nullptr || !timestamp->is(Kind::number) || timestamp->number <= 0)
    return bad_document("'timestamp' is not a time");
  out.timestamp_ms = timestamp->number;
  TRY(parse_pcrs(map, out));
  TRY(parse_certificates(map, out));
  out.public_key = TRY(optional_bytes(map, "public_key", kKeyBytesMax));
  out.user_data = TRY(optional_bytes(map, "user_data", kDataBytesMax));
  out.nonce = TRY(optional_bytes(map, "nonce", kDataBytesMax));
  return {};
}

}  // namespace

Result<NitroDocument> parse_nitro_document(ByteView cose) {
  if (cose.size() > kNitroBytesMax) return bad_document("too long");
  crypto::CborValue message = TRY(crypto::parse_cbor(cose, kDocument));
  if (message.is(Kind::tag)) {
    if (message.number != 18) return bad_document("a CBOR tag other than COSE_Sign1's");
    message = crypto::CborValue(message.items.front());
  }
  if (!message.is(Kind::array) || message.items.size() != 4 || !message.items[0].is(Kind::bytes) ||
      !message.items[1].is(Kind::map) || !message.items[2].is(Kind::bytes) ||
      !message.items[3].is(Kind::bytes))
    return bad_document("not a COSE_Sign1 of four parts");
  NitroDocument out;
  const ByteView header = message.items[0].bytes, payload = message.items[2].bytes;
  if (!message.items[1].items.empty()) return bad_document("the unprotected header is not empty");
  out.algorithm = TRY(algorithm_in(header));
  if (message.items[3].bytes.size() != kSignatureBytes)
    return bad_document("the signature is not of 96 bytes");
  out.signature = to_buffer(message.items[3].bytes);
  TRY(parse_payload(payload, out));
  crypto::CborWriter writer(out.signed_bytes);
  writer.array(4);
  writer.text("Signature1");
  writer.bytes(header);
  writer.bytes({});
  writer.bytes(payload);
  return out;
}

}  // namespace penstock::attest
