// SPLIT, SPLIT_TO_MAP, MD5.
#include "base/bytes.h"
#include "crypto/md5.h"
#include "data/key_places.h"
#include "engine/functions/families.h"
#include "engine/functions/list_output.h"
#include "engine/functions/overload.h"
#include "engine/functions/utf16.h"

namespace penstock::engine::functions {
namespace {

// An empty separator gives single characters (of bytes: bytes); of an empty text itself.
template <bool strings, typename Body>
void each_part(std::string_view text, std::string_view separator, Body&& body) {
  if (separator.empty()) {
    if (text.empty()) body(text);
    while (!text.empty()) {
      const std::size_t size = strings ? character_at(text, 0).bytes : 1;
      body(text.substr(0, size));
      text.remove_prefix(size);
    }
    return;
  }
  for (;;) {
    const std::size_t at = text.find(separator);
    body(text.substr(0, at));
    if (at == std::string_view::npos) return;
    text.remove_prefix(at + separator.size());
  }
}

template <bool strings>
void split(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    ListOutput out(call, row);
    each_part<strings>(argument<Text>(call, 0)[row].view(), argument<Text>(call, 1)[row].view(),
                       [&](std::string_view part) { out.add_text(Text(part)); });
    out.done();
  }
}

// Parts without the separator of keys and values are left out; of equal keys the last one's value
// stays.
void split_to_map(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    const std::string_view entry_mark = argument<Text>(call, 1)[row].view();
    const std::string_view value_mark = argument<Text>(call, 2)[row].view();
    if (entry_mark.empty() || value_mark.empty() || entry_mark == value_mark) {
      null_list(call, row);
      continue;
    }
    ListOutput out(call, row);
    data::KeyPlaces places(call.result.child(0), out.first());
    data::Column key{data::Type(data::TypeKind::string)};
    key.reset(1);
    each_part<true>(argument<Text>(call, 0)[row].view(), entry_mark, [&](std::string_view part) {
      const std::size_t mark = part.find(value_mark);
      if (mark == std::string_view::npos) return;
      const Text name(part.substr(0, mark));
      key.values<Text>()[0] = name;
      std::string_view value = part.substr(mark + value_mark.size());
      value = value.substr(0, value.find(value_mark));
      const auto known = places.find(out.size(), key, 0);
      const std::size_t at = known ? *known : out.add();
      call.result.child(0).values<Text>()[at] = name;
      call.result.child(1).values<Text>()[at] = Text(value);
    });
    out.done();
  }
}

void md5(const KernelCall& call) {
  for (RowIndex row : call.rows) {
    const auto hash = crypto::md5(as_bytes(argument<Text>(call, 0)[row].view()));
    results<Text>(call)[row] = hash ? call.arena.copy(to_hex(*hash)) : Text();
    if (!hash) call.errors.add(row, "md5_unavailable");
  }
}

}  // namespace

FunctionList split_functions() {
  return {
      {"SPLIT",
       "STRING",
       "The parts between the separators; single characters where the separator is empty.",
       {declared("SPLIT(STRING, STRING) -> ARRAY<STRING>", split<true>),
        declared("SPLIT(BYTES, BYTES) -> ARRAY<BYTES>", split<false>)},
       {{"SPLIT('a,,b', ',')", "['a', '', 'b']"},
        {"SPLIT('añ', '')", "['a', 'ñ']"},
        {"SPLIT(X'612C62', X'2C')", "[X'61', X'62']"}}},
      {"SPLIT_TO_MAP",
       "STRING",
       "A text of entries as a map: the separator of entries, then that of keys and values.",
       {declared("SPLIT_TO_MAP(STRING, STRING, STRING) -> MAP<STRING, STRING>", split_to_map)},
       {{"SPLIT_TO_MAP('a=1;b=2;c', ';', '=')", "{'a'='1', 'b'='2'}"}}},
      {"MD5",
       "STRING",
       "The MD5 hash of the text in UTF-8, in hex. For old data: it protects nothing.",
       {declared("MD5(STRING) -> STRING", md5)},
       {{"MD5('r1')", "'7c92cf1eee8d99cc85f8355a3d6e4b86'"}}},
  };
}

}  // namespace penstock::engine::functions
