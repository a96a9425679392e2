// LIKE. As in ksqlDB, it is false when the value or the pattern is NULL.
#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/like_pattern.h"
#include "engine/functions/overload.h"
#include "sql/operator_names.h"

namespace penstock::engine::functions {
namespace {

bool same_view(Text a, Text b) {
  return a.data == b.data && a.size == b.size;
}

// Compiles a pattern again only when its text lies elsewhere than the row's before; the rows of a
// constant column are one text.
class PatternCache {
 public:
  const LikePattern& get(Text pattern, Text escape) {
    if (!filled_ || !same_view(pattern, pattern_) || !same_view(escape, escape_)) {
      compiled_.compile(pattern.view(), escape.view());
      pattern_ = pattern;
      escape_ = escape;
      filled_ = true;
    }
    return compiled_;
  }

 private:
  LikePattern compiled_;
  Text pattern_, escape_;
  bool filled_ = false;
};

void like(const KernelCall& call) {
  const Text* texts = argument<Text>(call, 0);
  const Text* patterns = argument<Text>(call, 1);
  const Text* escapes = call.args.size() > 2 ? argument<Text>(call, 2) : nullptr;
  std::uint8_t* out = results<std::uint8_t>(call);
  PatternCache cache;
  each_row(call.rows, [&](RowIndex row) {
    if (call.args[0]->is_null(row) || call.args[1]->is_null(row)) {
      out[row] = 0;
      return;
    }
    const bool escaped = escapes != nullptr && !call.args[2]->is_null(row);
    out[row] = cache.get(patterns[row], escaped ? escapes[row] : Text()).matches(texts[row].view());
  });
}

}  // namespace

FunctionList like_operators() {
  return {
      {sql::op::kLike,
       "OPERATOR",
       "Whether a text matches a pattern: % is any text, _ one character.",
       {sees_nulls(overload({ArgKind::string, ArgKind::string}, kBoolean, like)),
        sees_nulls(overload({ArgKind::string, ArgKind::string, ArgKind::string}, kBoolean, like))},
       {{"$like('barfoobaz', '%foo%')", "true"},
        {"$like('héllo', 'h_llo')", "true"},
        {"$like('100%', '100!%', '!')", "true"},
        {"$like('1000', '100!%', '!')", "false"}}},
  };
}

}  // namespace penstock::engine::functions
