#include "session/shows/builtin.h"

#include <algorithm>

#include "session/shows/explain.h"

namespace penstock::session::shows {

// Declares the function of a show's file where it is called: a show needs no header.
#define PENSTOCK_SHOW(make)  \
  do {                       \
    extern Show make();      \
    shows.push_back(make()); \
  } while (false)

// In the order in which errors name them. What fits several is the first of them.
static std::vector<Show> all_shows() {
  std::vector<Show> shows;
  PENSTOCK_SHOW(show_sources);
  PENSTOCK_SHOW(show_topics);
  PENSTOCK_SHOW(show_queries);
  PENSTOCK_SHOW(show_functions);
  PENSTOCK_SHOW(show_properties);
  PENSTOCK_SHOW(show_variables);
  PENSTOCK_SHOW(show_types);
  PENSTOCK_SHOW(show_connectors);
  PENSTOCK_SHOW(show_connector_plugins);
  PENSTOCK_SHOW(describe_function);
  PENSTOCK_SHOW(describe_connector);
  PENSTOCK_SHOW(describe_sources);
  PENSTOCK_SHOW(describe_source);
  return shows;
}

#undef PENSTOCK_SHOW

std::span<const Show> builtin_shows() {
  static const std::vector<Show> shows = all_shows();
  return shows;
}

sql::ShowSyntaxes builtin_syntaxes() {
  static const std::vector<std::string_view> syntaxes = [] {
    std::vector<std::string_view> out;
    for (const Show& show : builtin_shows()) out.push_back(show.syntax);
    return out;
  }();
  return syntaxes;
}

const Layout* layout_of(std::string_view type) {
  static const std::vector<Layout> layouts = [] {
    std::vector<Layout> out = explain_layouts();
    for (const Show& show : builtin_shows())
      out.insert(out.end(), show.layouts.begin(), show.layouts.end());
    return out;
  }();
  const auto at = std::ranges::find(layouts, type, &Layout::type);
  return at == layouts.end() ? nullptr : &*at;
}

}  // namespace penstock::session::shows
