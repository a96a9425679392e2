// Columns that are no part of a record's key or value: its headers, and the window of its key.
#pragma once

#include <optional>
#include <span>

#include "base/bytes.h"
#include "data/arena.h"
#include "data/batch.h"
#include "data/column.h"
#include "sql/stream_info.h"

namespace penstock::engine {

// Fills a HEADER('k') or HEADERS column (sql::HeaderColumn) of the selected rows. headers: packed,
// one per row; empty when no record has any.
void fill_header_column(const sql::HeaderColumn& what, std::span<const Slice> headers,
                        data::Selection rows, data::Column& to, data::Arena& arena);

// Takes the window off a windowed key. nullopt: the key is too short for one.
struct WindowedKey {
  ByteView key;
  data::WindowBounds window;
};
std::optional<WindowedKey> split_windowed_key(ByteView key, const sql::WindowInfo& info);

// What stands behind the key's bytes in a record.
void append_window(ByteBuffer& key, const data::WindowBounds& window, const sql::WindowInfo& info);

}  // namespace penstock::engine
