#include "session/shows/builtin.h"

#include <algorithm>

#include "session/shows/explain.h"

// One line each, in the order in which errors name them. What fits several is the first of them.
#define PENSTOCK_SHOWS(show)                                                            \
  show(show_sources) show(show_topics) show(show_queries) show(show_functions)          \
      show(show_properties) show(show_variables) show(show_types) show(show_connectors) \
          show(show_connector_plugins) show(describe_function) show(describe_connector) \
              show(describe_sources) show(describe_source)

namespace penstock::session::shows {

#define PENSTOCK_DECLARED(show) Show show();
PENSTOCK_SHOWS(PENSTOCK_DECLARED)
#undef PENSTOCK_DECLARED

std::span<const Show> builtin_shows() {
#define PENSTOCK_MADE(show) show(),
  static const std::vector<Show> shows = {PENSTOCK_SHOWS(PENSTOCK_MADE)};
#undef PENSTOCK_MADE
  return shows;
}

#undef PENSTOCK_SHOWS

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
