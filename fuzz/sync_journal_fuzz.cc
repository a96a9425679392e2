// links: topics data base
// Bytes of a log's journal: entries lie within the file, and what is cut off gives no more of them.
#include <cstdlib>

#include "topics/sync_journal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  const ByteView file(data, size);
  std::size_t bytes = 0, entries = 0;
  const topics::JournalContents contents = topics::parse_journal(file);
  for (const auto& [at, list] : contents.entries) {
    for (const topics::JournalEntry& entry : list) {
      bytes += entry.bytes.size();
      ++entries;
    }
  }
  if (bytes + entries * 32 > size) std::abort();
  if (size > 0 && topics::parse_journal(file.first(size - 1)).newest_round > contents.newest_round)
    std::abort();
  return 0;
}
