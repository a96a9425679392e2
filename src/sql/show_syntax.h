// How statements are written that show something. Session knows which there are and hands their
// syntaxes to sql, which reads them.
#pragma once

#include <span>
#include <string_view>

namespace penstock::sql {

// "SHOW [SOURCE|SINK] CONNECTORS [EXTENDED]", "DESCRIBE CONNECTOR <connector>": parts with a blank
// between them.
//   WORD       must stand there, A|B: one of them; [A|B]: may
//   <source>   the name of a stream or table of the catalogue
//   <function> the name of a function
//   <thing>    any name, "a thing's name" in errors
// The first word is SHOW, for which LIST may stand, or DESCRIBE. At most one part is a name.
//
// A statement is of the first syntax that it fits. If it fits none, it is of the first whose words
// in front of the name are there, and the error says where it leaves that one.
using ShowSyntaxes = std::span<const std::string_view>;

}  // namespace penstock::sql
