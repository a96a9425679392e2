#include "format/descriptors.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/check.h"
#include "data/type_name.h"
#include "format/delimited_reader.h"
#include "format/delimited_writer.h"
#include "format/json_reader.h"
#include "format/json_writer.h"
#include "format/kafka_reader.h"
#include "format/kafka_writer.h"
#include "format/none.h"

namespace penstock::format {
namespace {

using Used = std::vector<bool>;

bool any_type(const data::Type&) {
  return true;
}
// JSON's names are strings: so are the keys of maps, at any depth.
bool json_type(const data::Type& type) {
  if (type.kind() == data::TypeKind::map && type.key().kind() != data::TypeKind::string)
    return false;
  return std::ranges::all_of(type.fields(),
                             [](const data::TypeField& field) { return json_type(field.type); });
}
bool scalar_type(const data::Type& type) {
  return !type.is_nested();
}
bool kafka_type(const data::Type& type) {
  switch (type.kind()) {
    case data::TypeKind::integer:
    case data::TypeKind::bigint:
    case data::TypeKind::double_:
    case data::TypeKind::string:
    case data::TypeKind::bytes:
      return true;
    default:
      return false;
  }
}

template <typename Reader>
std::unique_ptr<ValueReader> plain_reader(const data::Schema&, const Used&, const Options&) {
  return std::make_unique<Reader>();
}
template <typename Writer>
std::unique_ptr<ValueWriter> plain_writer(const data::Schema&, const Options&) {
  return std::make_unique<Writer>();
}
std::unique_ptr<ValueReader> json_reader(const data::Schema& columns, const Used& used,
                                         const Options& options) {
  return std::make_unique<JsonReader>(columns, used, options.unwrapped);
}
std::unique_ptr<ValueWriter> json_writer(const data::Schema& columns, const Options& options) {
  return std::make_unique<JsonWriter>(columns, options.unwrapped);
}
std::unique_ptr<ValueReader> delimited_reader(const data::Schema& columns, const Used&,
                                              const Options& options) {
  return std::make_unique<DelimitedReader>(columns.columns.size(), options.delimiter);
}
std::unique_ptr<ValueWriter> delimited_writer(const data::Schema&, const Options& options) {
  return std::make_unique<DelimitedWriter>(options.delimiter);
}

constexpr std::array<Descriptor, 8> kFormats = {{
    {"JSON", Kind::json, true, true, json_type, json_reader, json_writer},
    {"DELIMITED", Kind::delimited, true, true, scalar_type, delimited_reader, delimited_writer},
    {"KAFKA", Kind::kafka, true, true, kafka_type, plain_reader<KafkaReader>,
     plain_writer<KafkaWriter>},
    {"NONE", Kind::none, true, false, any_type, plain_reader<NoneReader>, plain_writer<NoneWriter>},
    {"AVRO", Kind::none, true, true, any_type, nullptr, nullptr},
    {"PROTOBUF", Kind::none, true, true, any_type, nullptr, nullptr},
    {"PROTOBUF_NOSR", Kind::none, true, true, any_type, nullptr, nullptr},
    {"JSON_SR", Kind::none, true, true, any_type, nullptr, nullptr},
}};

}  // namespace

std::span<const Descriptor> descriptors() {
  return kFormats;
}

const Descriptor* find_format(std::string_view name) {
  const auto* found = std::ranges::find(kFormats, name, &Descriptor::name);
  return found == kFormats.end() ? nullptr : found;
}

const Descriptor& descriptor_of(Kind kind) {
  const auto* found = std::ranges::find_if(
      kFormats, [&](const Descriptor& one) { return one.kind == kind && one.reader != nullptr; });
  CHECK(found != kFormats.end());
  return *found;
}

Result<> check_columns(const Descriptor& format, const data::Schema& columns,
                       const Options& options) {
  const bool single = options.kind == Kind::kafka || options.unwrapped;
  if (single && columns.columns.size() != 1)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the {} format {} exactly one column, not {}", format.name,
                            options.unwrapped ? "without a wrapping object needs" : "carries",
                            columns.columns.size()));
  for (const data::ColumnSchema& column : columns.columns)
    if (!format.supports(column.type))
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("the '{}' format does not support type '{}': column `{}` is {}", format.name,
                      data::name_of(column.type.kind()), column.name, column.type.text()));
  return {};
}

Result<std::unique_ptr<ValueReader>> make_reader(const data::Schema& columns,
                                                 const std::vector<bool>& used,
                                                 const Options& options) {
  CHECK(used.size() == columns.columns.size());
  if (columns.columns.empty() && options.kind != Kind::json) return std::make_unique<NoneReader>();
  const Descriptor& format = descriptor_of(options.kind);
  TRY(check_columns(format, columns, options));
  return format.reader(columns, used, options);
}

Result<std::unique_ptr<ValueWriter>> make_writer(const data::Schema& columns,
                                                 const Options& options) {
  if (options.kind == Kind::none || (columns.columns.empty() && options.kind != Kind::json))
    return std::make_unique<NoneWriter>();
  const Descriptor& format = descriptor_of(options.kind);
  TRY(check_columns(format, columns, options));
  return format.writer(columns, options);
}

}  // namespace penstock::format
