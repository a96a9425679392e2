// Columns into Kafka's primitive encodings.
#pragma once

#include "format/writer.h"

namespace penstock::format {

// The one column as KafkaReader reads it; null becomes a null entry.
class KafkaWriter final : public ValueWriter {
 public:
  void encode(std::span<const data::Column* const> columns, data::Selection rows, EncodedRows& out,
              data::RowErrors& errors) override;
};

}  // namespace penstock::format
