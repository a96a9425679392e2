// Properties that statements and clients set.
#pragma once

#include <span>
#include <string_view>

#include "engine/runtime.h"
#include "session/session.h"

namespace penstock::session {

struct KnownProperty {
  std::string_view name;
  std::string_view default_value;
  std::string_view values;  // the allowed ones, '|' between them; empty: any
};
std::span<const KnownProperty> known_properties();

// One that we know, or one of those that ksqlDB's clients send and that mean nothing here
// ("ksql.streams.*", "ksql.*", "producer.*", ...): they are taken and kept.
bool is_property_name(std::string_view name);

// invalid_argument: not a property, or a value that it cannot have.
Result<> check_property(std::string_view name, std::string_view value);
Result<> check_properties(const Properties& properties);

// 'auto.offset.reset', under its ksqlDB spellings too; `otherwise` when it is not set.
engine::StartAt start_of(const Properties& properties, engine::StartAt otherwise);

// What statements leave open and properties say. invalid_argument: a value that is none.
Result<sql::StatementDefaults> defaults_of(const Properties& properties);
// A name that is taken although it has no meaning here.
bool is_without_meaning(std::string_view name);

// All that are known and all that are set.
struct PropertyRow {
  std::string name, value, level;
  bool overwritten, editable;
};
std::vector<PropertyRow> list_properties(const Properties& properties);

}  // namespace penstock::session
