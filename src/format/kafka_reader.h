// Kafka's primitive encodings.
#pragma once

#include "format/reader.h"

namespace penstock::format {

// INTEGER: 4 bytes, BIGINT: 8, DOUBLE: 8 (IEEE 754), all big-endian; STRING: UTF-8; BYTES: as they
// are.
class KafkaReader final : public ValueReader {
 public:
  void decode(std::span<const ByteView> values, data::Selection rows,
              std::span<data::Column* const> out, data::Arena& arena,
              RowFailures& failures) override;
};

}  // namespace penstock::format
