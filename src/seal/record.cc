#include "seal/record.h"

#include <array>
#include <cstring>

#include "base/check.h"
#include "crypto/aead.h"
#include "seal/limits.h"
#include "seal/record_codec.h"

namespace penstock::seal {
namespace {

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
     "the record, its key, its timestamp or its partition is not what was sealed"},
    {OpenOutcome::unknown_kind, "sealed_unknown_kind", "the record is of a kind not taken here"},
    {OpenOutcome::bad_padding, "sealed_bad_padding", "the record's padding is broken"},
    {OpenOutcome::replayed, "sealed_replayed",
     "the record's sequence does not rise: it was played again"},
    {OpenOutcome::no_keys, "sealed_no_keys", "the keys of its epoch could not be had now"},
    {OpenOutcome::too_many_epochs, "sealed_too_many_epochs",
     "the partition has records of more epochs than can be followed"},
}};

const OutcomeText& text_of(OpenOutcome outcome) {
  auto index = static_cast<std::size_t>(outcome);
  CHECK(index < kTexts.size());
  CHECK(kTexts[index].outcome == outcome);
  return kTexts[index];
}

}  // namespace

std::string_view reason_code(OpenOutcome outcome) {
  return text_of(outcome).code;
}
std::string_view explain(OpenOutcome outcome) {
  return text_of(outcome).text;
}

bool parse_record(ByteView bytes, SealedRecord& out) {
  return parse_record_here(bytes, out);
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
  return static_cast<std::size_t>(put_cbor_head(out + kCiphertextHeadAt, kBytes, ciphertext_bytes) -
                                  out);
}

}  // namespace penstock::seal
