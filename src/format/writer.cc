#include "format/writer.h"

namespace penstock::format {
void EncodedRows::clear() {
  bytes_.clear();
  ends_.clear();
  nulls_.clear();
}

void EncodedRows::wipe() {
  clear();
  bytes_.wipe();
}

void EncodedRows::end_null_row() {
  ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  nulls_.push_back(1);
}

}  // namespace penstock::format
