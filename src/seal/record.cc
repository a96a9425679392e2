#include "seal/record.h"

#include <array>
#include <cstring>

#include "base/check.h"
#include "crypto/aead.h"
#include "seal/limits.h"
#include "seal/record_aad.h"

namespace penstock::seal {
namespace {

// Tag 16, array of 3, byte string of 19, map of 3, 1: 3, 4: byte string of 8.
constexpr std::array<std::uint8_t, 8> kStart = {0xd0, 0x83, 0x53, 0xa3, 0x01, 0x03, 0x04, 0x48};
constexpr std::size_t kEpochAt = 8;
constexpr std::size_t kSequenceLabelAt = 16;  // 6: byte string of 4
constexpr std::size_t kSequenceAt = 18;
constexpr std::size_t kUnprotectedAt = 22;
constexpr std::size_t kCiphertextHeadAt = 23;
constexpr std::size_t kCiphertextBytesMin = 1 + crypto::kGcmTagBytes;
constexpr std::size_t kSealedBytesMin = kCiphertextHeadAt + 1 + kCiphertextBytesMin;

// Bytes of a byte string's shortest head when it and its content fill `rest` exactly; else 0.
std::size_t ciphertext_head(const std::uint8_t* at, std::size_t rest) {
  switch (at[0]) {
    case 0x58: return at[1] >= 24 && rest == std::size_t{2} + at[1] ? 2 : 0;
    case 0x59: {
      std::size_t size = static_cast<std::size_t>(at[1]) << 8 | at[2];
      return size > 0xff && rest == 3 + size ? 3 : 0;
    }
    case 0x5a: {
      std::size_t size = load_u32(at + 1);
      return size > 0xffff && rest == 5 + size ? 5 : 0;
    }
    default: return (at[0] & 0xe0) == 0x40 && (at[0] & 0x1f) < 24 &&
                            rest == std::size_t{1} + (at[0] & 0x1f)
                        ? 1
                        : 0;
  }
}

struct OutcomeText {
  OpenOutcome outcome;
  std::string_view code;
  std::string_view text;
};
constexpr std::array<OutcomeText, kOpenOutcomes> kTexts = {{
    {OpenOutcome::ok, "ok", "the record was opened"},
    {OpenOutcome::tombstone, "tombstone", "the record deletes its key"},
    {OpenOutcome::bare_null, "sealed_bare_null",
     "a null value on a sealed topic; deletes must be sealed too"},
    {OpenOutcome::malformed, "sealed_malformed", "not a sealed record of the form PSR-1"},
    {OpenOutcome::too_large, "sealed_too_large", "the sealed record passes a size limit"},
    {OpenOutcome::unknown_epoch, "sealed_unknown_epoch",
     "no grant that this reader accepts names the record's epoch"},
    {OpenOutcome::not_authentic, "sealed_not_authentic",
     "the record, its key or its timestamp is not what was sealed"},
    {OpenOutcome::unknown_kind, "sealed_unknown_kind", "the record is of a kind not taken here"},
    {OpenOutcome::bad_padding, "sealed_bad_padding", "the record's padding is broken"},
    {OpenOutcome::replayed, "sealed_replayed",
     "the record's sequence does not rise: it was played again or moved"},
    {OpenOutcome::too_many_epochs, "sealed_too_many_epochs",
     "the partition has records of more epochs than are followed"},
}};

const OutcomeText& text_of(OpenOutcome outcome) {
  auto index = static_cast<std::size_t>(outcome);
  CHECK(index < kTexts.size());
  CHECK(kTexts[index].outcome == outcome);
  return kTexts[index];
}

}  // namespace

std::string_view reason_code(OpenOutcome outcome) { return text_of(outcome).code; }
std::string_view explain(OpenOutcome outcome) { return text_of(outcome).text; }

bool parse_record(ByteView bytes, SealedRecord& out) {
  if (bytes.size() < kSealedBytesMin) return false;
  const std::uint8_t* at = bytes.data();
  if (std::memcmp(at, kStart.data(), kStart.size()) != 0) return false;
  if (at[kSequenceLabelAt] != 0x06 || at[kSequenceLabelAt + 1] != 0x44) return false;
  if (at[kUnprotectedAt] != 0xa0) return false;
  std::size_t head = ciphertext_head(at + kCiphertextHeadAt, bytes.size() - kCiphertextHeadAt);
  if (head == 0) return false;
  out.epoch = EpochId(load_u64(at + kEpochAt));
  out.sequence = load_u32(at + kSequenceAt);
  out.protected_header = bytes.subspan(kProtectedAt, kProtectedBytes);
  out.ciphertext = bytes.subspan(kCiphertextHeadAt + head);
  return out.ciphertext.size() >= kCiphertextBytesMin;
}

std::optional<EpochId> epoch_of(ByteView sealed) {
  SealedRecord record;
  if (!parse_record(sealed, record)) return std::nullopt;
  return record.epoch;
}

std::size_t write_record_head(EpochId epoch, std::uint32_t sequence, std::size_t ciphertext_bytes,
                              std::uint8_t* out) {
  constexpr std::uint8_t kBytes = 2;
  std::memcpy(out, kStart.data(), kStart.size());
  store_u64(out + kEpochAt, epoch.value());
  out[kSequenceLabelAt] = 0x06;
  out[kSequenceLabelAt + 1] = 0x44;
  store_u32(out + kSequenceAt, sequence);
  out[kUnprotectedAt] = 0xa0;
  return static_cast<std::size_t>(
      put_cbor_head(out + kCiphertextHeadAt, kBytes, ciphertext_bytes) - out);
}

}  // namespace penstock::seal
