#include "keys/resource.h"

#include <gtest/gtest.h>

#include "keys/limits.h"

namespace penstock::keys {
namespace {

std::string read(std::string_view text) {
  const auto path = ResourcePath::parse(text);
  return path ? path->text() : "refused";
}

TEST(ResourcePath, ThreeSegmentsOrAnEmptyRepository) {
  EXPECT_EQ(read("app/kind/name"), "app/kind/name");
  EXPECT_EQ(read("a-1/_b/c.d"), "a-1/_b/c.d");
  EXPECT_EQ(read("/default/key/1"), "default/key/1");
  EXPECT_EQ(read("//default/key/1"), "default/key/1");
  EXPECT_EQ(read("/key/1"), "default/key/1");
}

TEST(ResourcePath, AnythingElseIsRefused) {
  for (const char* bad : {"", "a", "a/b", "a/b/", "a/b/c/", "a/b/c/d", "a//c", "a/b//c", ".a/b/c",
                          "a/../c", "a/b/c d", "a/b/\xc3\xa4", "a/b/%2e", "/", "//", "/a"}) {
    EXPECT_EQ(read(bad), "refused") << bad;
  }
  const std::string longest(kSegmentBytesMax, 'x');
  EXPECT_EQ(read("a/b/" + longest), "a/b/" + longest);
  EXPECT_EQ(read("a/b/x" + longest), "refused");
}

}  // namespace
}  // namespace penstock::keys
