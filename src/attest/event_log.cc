#include "attest/event_log.h"

#include <algorithm>

#include <fmt/format.h>

#include "attest/limits.h"

namespace penstock::attest {
namespace {

constexpr std::uint32_t kNoAction = 3, kSeparator = 4, kEfiAction = 0x80000007;
constexpr std::string_view kSpecId = "Spec ID Event03", kLocality = "StartupLocality";
constexpr std::string_view kExit = "Exit Boot Services Invocation";
constexpr std::size_t kSha1Bytes = 20, kAlgorithmsMax = 8;

std::unexpected<Error> bad_log(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("event log: {}", problem));
}

class LogReader {
 public:
  explicit LogReader(ByteView bytes) : rest_(bytes) {}
  Result<ByteView> take(std::size_t size) {
    if (size > rest_.size()) return bad_log("it is cut short");
    const ByteView out = rest_.first(size);
    rest_ = rest_.subspan(size);
    return out;
  }
  Result<std::uint32_t> number(std::size_t size) {
    return static_cast<std::uint32_t>(read_le(TRY(take(size)), 0, size));
  }
  ByteView rest() const { return rest_; }
  // Nothing, or nothing but padding.
  bool at_end() const {
    return rest_.size() < 8 || all_zero(rest_) || read_le(rest_, 0, 4) == 0xffffffff;
  }

 private:
  ByteView rest_;
};

std::optional<crypto::Hash> hash_of(std::uint32_t id) {
  switch (id) {
    case 0x04:
      return crypto::Hash::sha1;
    case 0x0b:
      return crypto::Hash::sha256;
    case 0x0c:
      return crypto::Hash::sha384;
    case 0x0d:
      return crypto::Hash::sha512;
    default:
      return std::nullopt;
  }
}

// TCG_PCR_EVENT: the header of an agile log, every event of an older one.
Result<LogEvent> old_event(LogReader& reader) {
  LogEvent out;
  out.index = TRY(reader.number(4));
  out.type = TRY(reader.number(4));
  out.add(crypto::Hash::sha1, TRY(reader.take(kSha1Bytes)));
  const std::uint32_t size = TRY(reader.number(4));
  out.data = TRY(reader.take(size));
  return out;
}

struct Algorithm {
  std::uint32_t id = 0;
  std::size_t size = 0;
};

Result<std::vector<Algorithm>> algorithms_in(ByteView spec) {
  LogReader reader(spec);
  TRY(reader.take(16 + 4 + 4));  // signature, platform class, version, errata, size of UINTN
  const std::uint32_t count = TRY(reader.number(4));
  if (count == 0 || count > kAlgorithmsMax)
    return bad_log("a header with 0 or too many algorithms");
  std::vector<Algorithm> out;
  for (std::uint32_t i = 0; i < count; ++i) {
    Algorithm each;
    each.id = TRY(reader.number(2));
    each.size = TRY(reader.number(2));
    const auto known = hash_of(each.id);
    if (each.size == 0 || each.size > 64 || (known && crypto::size_of(*known) != each.size))
      return bad_log("an algorithm of a wrong size");
    if (std::ranges::find(out, each.id, &Algorithm::id) != out.end())
      return bad_log("an algorithm that is there twice");
    out.push_back(each);
  }
  const std::uint32_t vendor = TRY(reader.number(1));
  TRY(reader.take(vendor));
  return out;
}

Result<LogEvent> agile_event(LogReader& reader, const std::vector<Algorithm>& algorithms) {
  LogEvent out;
  out.index = TRY(reader.number(4));
  out.type = TRY(reader.number(4));
  const std::uint32_t count = TRY(reader.number(4));
  if (count == 0 || count > algorithms.size())
    return bad_log("an event with no or too many digests");
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t id = TRY(reader.number(2));
    const auto found = std::ranges::find(algorithms, id, &Algorithm::id);
    if (found == algorithms.end()) return bad_log("a digest of an algorithm that is not listed");
    const ByteView digest = TRY(reader.take(found->size));
    const auto hash = hash_of(id);
    if (hash && out.digest(*hash)) return bad_log("a digest that is there twice");
    if (hash) out.add(*hash, digest);
  }
  const std::uint32_t size = TRY(reader.number(4));
  out.data = TRY(reader.take(size));
  return out;
}

bool is_separator_intact(const LogEvent& event) {
  return std::ranges::all_of(event.digests(), [&](const LogEvent::Digest& each) {
    return std::ranges::equal(crypto::digest(each.hash, event.data), each.bytes);
  });
}

ByteBuffer start_value(const EventLog& log, std::uint32_t index, std::size_t size) {
  ByteBuffer out(size, index >= 17 && index <= 22 ? 0xff : 0);
  if (index != 0) return out;
  for (const LogEvent& event : log.events)
    if (event.type == kNoAction && event.data.size() == kLocality.size() + 2 &&
        as_text(event.data).starts_with(kLocality))
      out.back() = event.data.back();
  return out;
}

}  // namespace

std::optional<ByteView> LogEvent::digest(crypto::Hash hash) const {
  for (const Digest& each : digests())
    if (each.hash == hash) return each.bytes;
  return std::nullopt;
}

std::string event_type_name(std::uint32_t type) {
  static const std::map<std::uint32_t, std::string_view> kNames = {
      {0x00, "EV_PREBOOT_CERT"},
      {0x01, "EV_POST_CODE"},
      {0x02, "EV_UNUSED"},
      {0x03, "EV_NO_ACTION"},
      {0x04, "EV_SEPARATOR"},
      {0x05, "EV_ACTION"},
      {0x06, "EV_EVENT_TAG"},
      {0x07, "EV_S_CRTM_CONTENTS"},
      {0x08, "EV_S_CRTM_VERSION"},
      {0x09, "EV_CPU_MICROCODE"},
      {0x0a, "EV_PLATFORM_CONFIG_FLAGS"},
      {0x0b, "EV_TABLE_OF_DEVICES"},
      {0x0c, "EV_COMPACT_HASH"},
      {0x0d, "EV_IPL"},
      {0x0e, "EV_IPL_PARTITION_DATA"},
      {0x0f, "EV_NONHOST_CODE"},
      {0x10, "EV_NONHOST_CONFIG"},
      {0x11, "EV_NONHOST_INFO"},
      {0x12, "EV_OMIT_BOOT_DEVICE_EVENTS"},
      {0x80000000, "EV_EFI_EVENT_BASE"},
      {0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
      {0x80000002, "EV_EFI_VARIABLE_BOOT"},
      {0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION"},
      {0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER"},
      {0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
      {0x80000006, "EV_EFI_GPT_EVENT"},
      {0x80000007, "EV_EFI_ACTION"},
      {0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
      {0x80000009, "EV_EFI_HANDOFF_TABLES"},
      {0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
      {0x8000000b, "EV_EFI_HANDOFF_TABLES2"},
      {0x8000000c, "EV_EFI_VARIABLE_BOOT2"},
      {0x80000010, "EV_EFI_HCRTM_EVENT"},
      {0x800000e0, "EV_EFI_VARIABLE_AUTHORITY"},
      {0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB"},
      {0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
  };
  const auto found = kNames.find(type);
  return found == kNames.end() ? fmt::format("{:#x}", type) : std::string(found->second);
}

Result<EventLog> parse_event_log(ByteView bytes) {
  if (bytes.size() > kEventLogBytesMax) return bad_log("it is too long");
  LogReader reader(bytes);
  EventLog out;
  LogEvent first = TRY(old_event(reader));
  out.crypto_agile = first.type == kNoAction && as_text(first.data).starts_with(kSpecId);
  std::vector<Algorithm> algorithms;
  if (out.crypto_agile) {
    algorithms = TRY(algorithms_in(first.data));
    for (const Algorithm& each : algorithms)
      if (const auto hash = hash_of(each.id)) out.algorithms.push_back(*hash);
  } else {
    if (first.type == kNoAction && first.data.size() < kSpecId.size() + 1)
      return bad_log("a header that is cut short");
    out.algorithms = {crypto::Hash::sha1};
    out.events.push_back(first);
  }
  while (!reader.at_end()) {
    if (out.events.size() == kEventLogEventsMax) return bad_log("too many events");
    out.events.push_back(out.crypto_agile ? TRY(agile_event(reader, algorithms))
                                          : TRY(old_event(reader)));
  }
  return out;
}

Registers replay(const EventLog& log, crypto::Hash hash) {
  Registers out;
  ByteBuffer input;
  for (const LogEvent& event : log.events) {
    if (event.type == kNoAction) continue;
    const std::optional<ByteView> digest = event.digest(hash);
    if (!digest) continue;
    auto [at, fresh] = out.try_emplace(event.index);
    if (fresh) at->second = start_value(log, event.index, crypto::size_of(hash));
    input.assign(at->second.begin(), at->second.end());
    input.insert(input.end(), digest->begin(), digest->end());
    at->second = crypto::digest(hash, input);
  }
  return out;
}

std::optional<std::array<ByteBuffer, 4>> replay_rtmrs(const EventLog& log) {
  constexpr auto kHash = crypto::Hash::sha384;
  if (std::ranges::find(log.algorithms, kHash) == log.algorithms.end()) return std::nullopt;
  const Registers registers = replay(log, kHash);
  std::array<ByteBuffer, 4> out;
  for (std::uint32_t i = 0; i < 4; ++i) {
    const auto found = registers.find(i + 1);
    out[i] = found == registers.end() ? ByteBuffer(48) : found->second;
  }
  return out;
}

Json rtmr_json(const std::array<ByteBuffer, 4>& registers) {
  Json out = Json::object();
  for (std::size_t i = 0; i < registers.size(); ++i)
    if (!all_zero(registers[i])) out[std::to_string(i)] = to_hex(registers[i]);
  return out;
}

void check_log_structure(RuleBook& book, const EventLog& log, LogKind kind) {
  if (!book.judging()) return;
  const std::uint32_t first = kind == LogKind::tpm ? 0 : 1, last = kind == LogKind::tpm ? 7 : 2;
  std::string wrong;
  for (std::uint32_t index = first; index <= last; ++index) {
    const auto count = std::ranges::count_if(log.events, [&](const LogEvent& event) {
      return event.index == index && event.type == kSeparator;
    });
    if (count != 1)
      wrong += fmt::format("{}{} in register {}", wrong.empty() ? "" : ", ", count, index);
  }
  for (const LogEvent& event : log.events)
    if (event.type == kSeparator && !is_separator_intact(event))
      wrong += fmt::format("{}a false one in register {}", wrong.empty() ? "" : ", ", event.index);
  book.check(wrong.empty(),
             {.name = "event_log_separators",
              .code = "event-log",
              .expected = fmt::format("one separator in each of registers {} to {}", first, last),
              .seen = wrong.empty() ? "one each" : wrong,
              .advice = "events stand before or behind where the firmware ended"});
  const bool left = std::ranges::any_of(log.events, [](const LogEvent& event) {
    return event.type == kEfiAction && as_text(event.data) == kExit;
  });
  book.check(left, {.name = "event_log_boot_services",
                    .code = "event-log",
                    .expected = fmt::format("the event '{}'", kExit),
                    .seen = left ? "there" : "none",
                    .advice = "the firmware was still in charge when this log was taken"});
}

Result<> check_ccel_table(ByteView table) {
  if (table.size() < 56 || !as_text(table).starts_with("CCEL") ||
      read_le(table, 4, 4) != table.size())
    return bad_log("the ACPI table is not a CCEL table of its length");
  std::uint8_t sum = 0;
  for (const std::uint8_t byte : table) sum = static_cast<std::uint8_t>(sum + byte);
  if (sum != 0) return bad_log("the checksum of the ACPI table is wrong");
  return {};
}

}  // namespace penstock::attest
