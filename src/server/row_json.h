// Values as ksqlDB's clients get them.
#pragma once

#include <string>
#include <string_view>

#include "data/schema.h"
#include "data/value.h"
#include "engine/runtime.h"

namespace penstock::server {

void append_json_string(std::string& out, std::string_view text);

// DECIMAL as a plain number, BYTES in base64, TIMESTAMP yyyy-MM-dd'T'HH:mm:ss.SSS, DATE and TIME as
// ISO texts, NaN and infinities as texts.
void append_value(std::string& out, const data::Type& type, const data::Value& value);

// [1,"a",null]
void append_row(std::string& out, const data::Schema& schema, const engine::PushQuery::Row& row);

}  // namespace penstock::server
