// How the console shows an entity of ksqlDB's REST interface, ours or another server's.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "session/shows/members.h"
#include "session/shows/page.h"

namespace penstock::session::shows {

struct Column {
  std::string_view title;
  const char* member;  // of a row
  std::string (*text)(const OrderedJson& row, const char* member) = text_of;
  bool right = false;  // numbers
};

// A page with one table.
struct TableOf {
  const char* rows;  // the entity's member with them
  std::vector<Column> columns;
  std::string_view note = {};  // below a table that has rows

  Page operator()(const OrderedJson& entity) const;
};

struct Layout {
  std::string_view type;                         // "@type" of the entity
  std::function<Page(const OrderedJson&)> page;  // TableOf, or a function of its own
};

}  // namespace penstock::session::shows
