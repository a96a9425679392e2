// links: session keys base
// Records of the statements topic, which the host can write, and signatures of statements.
#include <cstdint>
#include <string_view>

#include "keys/statement_signature.h"
#include "session/statement_journal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto entry = session::parse_record(text)) {
    const std::string again = session::to_record(*entry);
    const auto same = session::parse_record(again);
    if (!same || same->statement.proof != entry->statement.proof || same->id != entry->id)
      __builtin_trap();
  }
  if (const auto json = parse_json(text, "signature")) {
    const auto signature = keys::StatementSignature::from_json(*json);
    if (signature && signature->to_json().dump().empty()) __builtin_trap();
  }
  return 0;
}
