// The statements that show something.
#pragma once

#include <span>
#include <string_view>

#include "session/shows/show.h"

namespace penstock::session::shows {

std::span<const Show> builtin_shows();
sql::ShowSyntaxes builtin_syntaxes();  // theirs, in the same order

// Of an entity by its "@type": one of a show or of EXPLAIN. nullptr: there is none.
const Layout* layout_of(std::string_view type);

}  // namespace penstock::session::shows
