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

ByteView AadMemory::next_anew(const Slice& key, std::int64_t timestamp_ms,
                              const std::uint8_t* protected_header) {
  const RecordContext context{
      .key = key, .timestamp_ms = timestamp_ms, .path = std::nullopt, .partition = partition_};
  const ByteView written = write(context, protected_header);
  if (written.data() == small_ && is_usual(timestamp_ms)) {
    last_key_bytes_ = key.size;
    last_key_is_null_ = key.is_null();
    last_bytes_ = written.size();
    const std::size_t behind_time =
        1 + (partition_ ? cbor_head_bytes(static_cast<std::uint32_t>(*partition_)) : 1);
    time_at_ = written.size() - behind_time - kTimeBytes;
  }
  return written;
}

}  // namespace penstock::seal
