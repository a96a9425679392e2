// TCG event logs: crypto-agile ("Spec ID Event03"), the older SHA-1 form, and the CC log of TDs.
// Parsing and replay; a log is a hint until its replay equals registers that something signed.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attest/rule_book.h"

namespace penstock::attest {

// Views into the log's bytes.
struct LogEvent {
  std::uint32_t index = 0;  // PCR; in a CC log 1 to 4 for RTMR0 to RTMR3
  std::uint32_t type = 0;
  struct Digest {
    crypto::Hash hash = crypto::Hash::sha1;
    ByteView bytes;
  };
  std::array<Digest, 4> digest_list;  // as they come; one per algorithm that we know
  std::size_t digest_count = 0;
  ByteView data;

  std::span<const Digest> digests() const { return std::span(digest_list).first(digest_count); }
  std::optional<ByteView> digest(crypto::Hash hash) const;
  void add(crypto::Hash hash, ByteView bytes) { digest_list.at(digest_count++) = {hash, bytes}; }
};
std::string event_type_name(std::uint32_t type);  // "EV_SEPARATOR", "0x1234"

struct EventLog {
  bool crypto_agile = false;
  std::vector<crypto::Hash> algorithms;  // in the header's order, as far as we know them
  std::vector<LogEvent> events;          // without the header
};
// invalid_argument: cut short, a wrong size, an algorithm that the header does not list. What is
// padded behind the last event with zeros or 0xff is ignored. `bytes` must outlive the log.
Result<EventLog> parse_event_log(ByteView bytes);

using Registers = std::map<std::uint32_t, ByteBuffer>;
// The registers that were extended, under one algorithm.
Registers replay(const EventLog& log, crypto::Hash hash);
// RTMR0 to RTMR3 under SHA-384; nullopt: the log has none.
std::optional<std::array<ByteBuffer, 4>> replay_rtmrs(const EventLog& log);
Json rtmr_json(const std::array<ByteBuffer, 4>& registers);  // {"0": hex, ...} of those extended

enum class LogKind : std::uint8_t { tpm, ccel };
// Exactly one separator per register of the firmware, and boot services that ended: an extra
// separator is how events are smuggled in behind the firmware's. Asked of verdicts only.
void check_log_structure(RuleBook& book, const EventLog& log, LogKind kind);

// The ACPI table that says where the CC log lies.
Result<> check_ccel_table(ByteView table);

}  // namespace penstock::attest
