#include "seal/payload.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "crypto/cbor.h"
#include "crypto/random.h"
#include "seal/limits.h"
#include "seal/record_codec.h"

namespace penstock::seal {
namespace {

constexpr std::uint8_t kWindowVersion = 1;
// Array of 2, byte string of 40: no record begins so, and neither form is the other's text.
constexpr std::array<std::uint8_t, 3> kGrantStart = {0x82, 0x58, kEpochNameBytes};
constexpr std::size_t kGrantPayloadBytesMax =
    kGrantStart.size() + kEpochNameBytes + 5 + kGrantBytesMax;

bool begins(ByteView bytes, ByteView with) {
  return bytes.size() >= with.size() && std::ranges::equal(bytes.first(with.size()), with);
}
bool begins_as_record(ByteView bytes) {
  return begins(bytes, ByteView(kStart).first(kProtectedAt));
}

bool begins_as_text(ByteView payload) {
  static const std::string record = to_base64url(ByteView(kStart).first(kProtectedAt));
  static const std::string grant = to_base64url(kGrantStart);
  return begins(payload, as_bytes(record)) || begins(payload, as_bytes(grant));
}

SealedPayload read_grant(ByteView bytes) {
  if (bytes.size() > kGrantPayloadBytesMax) return {};
  Result<crypto::CborReader> reader = crypto::CborReader::over(bytes, "grant in a payload");
  if (!reader || !reader->expect_array(2)) return {};
  const Result<ByteView> key = reader->bytes_of(kEpochNameBytes);
  if (!key) return {};
  const Result<ByteView> value = reader->bytes();
  if (!value || value->size() > kGrantBytesMax) return {};
  return {.kind = PayloadKind::grant, .key = *key, .value = *value};
}

// Producers choose epoch ids, so where they land in a table must not be theirs to know.
std::uint64_t window_table_secret() {
  static const std::uint64_t secret = [] {
    std::array<std::uint8_t, 8> bytes{};
    CHECK(crypto::system_random().fill(bytes));
    return load_u64(bytes.data());
  }();
  return secret;
}

}  // namespace

RecordContext payload_context(std::string_view channel) {
  return {.key = Slice::of(as_bytes(channel)),
          .timestamp_ms = std::nullopt,
          .path = std::nullopt,
          .partition = std::nullopt};
}

ByteBuffer encode_grant_payload(const EpochGrant& grant) {
  ByteBuffer out;
  crypto::CborWriter writer(out);
  writer.array(2);
  writer.bytes(grant.key);
  writer.bytes(grant.value);
  return out;
}

SealedPayload read_payload(ByteView payload, ByteBuffer& scratch) {
  ByteView bytes = payload;
  if (begins_as_text(payload)) {
    if (payload.size() / 4 * 3 > kSealedRecordBytesMax) return {};
    Result<ByteBuffer> decoded = from_base64url(as_text(payload));
    if (!decoded) return {};
    scratch = *std::move(decoded);
    bytes = scratch;
  }
  if (begins_as_record(bytes)) return {.kind = PayloadKind::record, .key = {}, .value = bytes};
  if (begins(bytes, kGrantStart)) return read_grant(bytes);
  return {};
}

std::array<std::uint8_t, PayloadGuard::kValueBytes> PayloadGuard::encode_value(const Entry& entry) {
  std::array<std::uint8_t, kValueBytes> out;
  out[0] = kWindowVersion;
  store_u32(out.data() + 1, entry.highest);
  std::uint8_t* at = out.data() + 5;
  for (std::uint64_t word : entry.seen) {
    store_u64(at, word);
    at += 8;
  }
  return out;
}

Result<PayloadGuard::Entry> PayloadGuard::parse_entry(ByteView key, ByteView value) {
  Result<EpochName> epoch = epoch_name_from(key);
  if (!epoch) return fail(ErrorCode::corrupt, "stored window: " + epoch.error().text());
  if (value.size() != kValueBytes || value[0] != kWindowVersion)
    return fail(
        ErrorCode::corrupt,
        fmt::format("stored window of sequences: expected {} bytes of version {}, found {} "
                    "bytes of version {}",
                    kValueBytes, kWindowVersion, value.size(), value.empty() ? 0 : value[0]));
  Entry out{.epoch = *epoch, .highest = load_u32(value.data() + 1), .seen = {}};
  const std::uint8_t* at = value.data() + 5;
  for (std::uint64_t& word : out.seen) {
    word = load_u64(at);
    at += 8;
  }
  return out;
}

std::size_t PayloadGuard::Hash::operator()(const EpochName& epoch) const {
  // The finisher of SplitMix64.
  std::uint64_t x = epoch.epoch.value() ^ window_table_secret();
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

OpenOutcome PayloadGuard::admit(const EpochName& epoch, std::uint32_t sequence) {
  auto found = windows_.find(epoch);
  const bool first = found == windows_.end();
  if (first) {
    if (windows_.size() >= kPayloadEpochsMax) return OpenOutcome::too_many_epochs;
    found = windows_.try_emplace(epoch).first;
    found->second.highest = sequence;
  }
  Window& window = found->second;
  const auto word = [&](std::uint32_t s) -> std::uint64_t& {
    return window.seen[s % kWindow / 64];
  };
  const auto bit = [](std::uint32_t s) { return std::uint64_t{1} << s % 64; };
  if (!first && sequence > window.highest) {
    if (sequence - window.highest >= kWindow) {
      window.seen = {};
    } else {
      for (std::uint32_t s = window.highest + 1; s != sequence; ++s) word(s) &= ~bit(s);
      word(sequence) &= ~bit(sequence);
    }
    window.highest = sequence;
  }
  if (window.highest - sequence >= kWindow) return OpenOutcome::replayed;
  if ((word(sequence) & bit(sequence)) != 0) return OpenOutcome::replayed;
  word(sequence) |= bit(sequence);
  if (!std::exchange(window.changed, true)) changed_.push_back(epoch);
  return OpenOutcome::ok;
}

std::vector<PayloadGuard::Entry> PayloadGuard::take_changes() {
  std::vector<Entry> out;
  out.reserve(changed_.size());
  for (const EpochName& epoch : changed_) {
    Window& window = windows_.at(epoch);
    window.changed = false;
    out.push_back({.epoch = epoch, .highest = window.highest, .seen = window.seen});
  }
  changed_.clear();
  return out;
}

Result<> PayloadGuard::restore(const Entry& entry) {
  if (!windows_.contains(entry.epoch) && windows_.size() >= kPayloadEpochsMax)
    return fail(ErrorCode::limit_exceeded,
                fmt::format("windows of more than {} epochs are stored", kPayloadEpochsMax));
  windows_[entry.epoch] = {.highest = entry.highest, .changed = false, .seen = entry.seen};
  return {};
}

}  // namespace penstock::seal
