#include "keys/held_checkpoint.h"

#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "keys/limits.h"

namespace penstock::keys {
namespace {

HeldCheckpoint folder(std::int64_t term, std::int64_t number, char fill = 'a') {
  HeldCheckpoint out{.term = term, .parts = {}};
  out.parts[""] = {number, std::string(64, fill)};
  return out;
}

TEST(HeldCheckpoint, IsOrderedByTermAndNumber) {
  const HeldCheckpoint held = folder(2, 10);
  for (const HeldCheckpoint& onward :
       {folder(2, 10), folder(2, 11), folder(2, 11, 'b'), folder(3, 1)})
    EXPECT_EQ(compare(onward, held).progress, Progress::onward) << to_json(onward).dump();
  for (const HeldCheckpoint& behind :
       {folder(2, 9), folder(1, 99), folder(1, 10), HeldCheckpoint{}})
    EXPECT_EQ(compare(behind, held).progress, Progress::behind) << to_json(behind).dump();
  EXPECT_EQ(compare(folder(2, 10, 'b'), held).progress, Progress::forked);
}

TEST(HeldCheckpoint, NothingIsBehindNothing) {
  EXPECT_EQ(compare({}, {}).progress, Progress::onward);
  EXPECT_EQ(compare(folder(0, 1), {}).progress, Progress::onward);
  const HeldCheckpoint none{.term = 3, .parts = {}};
  EXPECT_EQ(compare({}, none).progress, Progress::onward);  // there was nothing to lose
}

TEST(HeldCheckpoint, APartThatIsGoneIsBehind) {
  HeldCheckpoint held = folder(0, 5);
  held.parts["q/0"] = {7, std::string(64, 'c')};
  HeldCheckpoint shown = held;
  shown.parts["q/1"] = {1, std::string(64, 'd')};
  EXPECT_EQ(compare(shown, held).progress, Progress::onward);
  shown.parts.erase("q/0");
  const Comparison comparison = compare(shown, held);
  EXPECT_EQ(comparison.progress, Progress::behind);
  EXPECT_NE(comparison.expected.find("'q/0' at commit 7"), std::string::npos);
  EXPECT_NE(comparison.seen.find("commit 0"), std::string::npos);
}

TEST(HeldCheckpoint, ReadsExactlyWhatItWrites) {
  const HeldCheckpoint held = folder(2, 10);
  EXPECT_EQ(must(parse_held_checkpoint(to_json(held), "x")), held);
  for (const char* text :
       {"null", "{}", R"({"term":1})", R"({"term":-1,"parts":{}})", R"({"term":1,"parts":[]})",
        R"({"term":1,"parts":{"":{}}})", R"({"term":1,"parts":{"":{"number":1,"hash":""}}})",
        R"({"term":1,"parts":{"":{"number":0,"hash":"aa"}}})",
        R"({"term":1,"parts":{"":{"number":-1,"hash":""}}})",
        R"({"term":1,"parts":{},"more":1})"}) {
    EXPECT_FALSE(parse_held_checkpoint(Json::parse(text), "x")) << text;
  }
  HeldCheckpoint upper = held;
  upper.parts[""].hash = std::string(64, 'A');
  EXPECT_FALSE(parse_held_checkpoint(to_json(upper), "x"));
  Json many = {{"term", 0}, {"parts", Json::object()}};
  for (std::size_t i = 0; i <= kCheckpointPartsMax; ++i)
    many["parts"][std::to_string(i)] = {{"number", 0}, {"hash", ""}};
  EXPECT_EQ(parse_held_checkpoint(many, "x").error().code(), ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace penstock::keys
