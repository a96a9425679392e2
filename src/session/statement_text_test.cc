#include "session/statement_text.h"

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

TEST(CanonicalText, DropsCommentsAndSurplusWhiteSpaceOutsideQuotes) {
  EXPECT_EQ(canonical_text("  SELECT a -- the key\n ,\t'x  -- y''  ;' /* b\n*/ FROM `my  s` ; "),
            "SELECT a , 'x  -- y''  ;' FROM `my  s`");
}

TEST(CanonicalText, EndsWhereAnOpenQuoteOrCommentEnds) {
  EXPECT_EQ(canonical_text("a 'b  "), "a 'b");
  EXPECT_EQ(canonical_text("a /* b"), "a");
  EXPECT_EQ(canonical_text(""), "");
}

}  // namespace
}  // namespace penstock::session
