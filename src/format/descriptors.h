// The formats, one row each. A new one is a file with its reader and writer, and a line in
// descriptors.cc.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"
#include "data/schema.h"
#include "format/kind.h"
#include "format/reader.h"
#include "format/writer.h"

namespace penstock::format {

struct Descriptor {
  std::string_view name;  // "JSON"
  Kind kind;
  bool keys, values;  // what it can encode
  bool (*supports)(const data::Type& type);
  // Null for both: the format is known by name, and needs what is not there yet (a schema
  // registry).
  std::unique_ptr<ValueReader> (*reader)(const data::Schema& columns, const std::vector<bool>& used,
                                         const Options& options);
  std::unique_ptr<ValueWriter> (*writer)(const data::Schema& columns, const Options& options);
};

std::span<const Descriptor> descriptors();
const Descriptor* find_format(std::string_view name);  // upper case; null: there is none
const Descriptor& descriptor_of(Kind kind);

// invalid_argument: a type that the format does not have, a number of columns that it cannot carry.
Result<> check_columns(const Descriptor& format, const data::Schema& columns,
                       const Options& options);

}  // namespace penstock::format
