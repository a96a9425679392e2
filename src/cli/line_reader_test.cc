#include "cli/line_reader.h"

#include <unistd.h>

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"

namespace penstock::cli {
namespace {

using Got = LineReader::Got;
constexpr std::chrono::milliseconds kNow{0};

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    read = UniqueFd(ends[0]);
    write = UniqueFd(ends[1]);
  }
  void put(std::string_view text) const {
    EXPECT_EQ(::write(write.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  UniqueFd read, write;
};

Got next(LineReader& reader, std::string& out) {
  std::string_view line;
  Result<Got> got = reader.next(line, kNow);
  EXPECT_TRUE(got);
  out = line;
  return *got;
}

TEST(LineReader, gives_lines_with_either_end_and_the_last_without_one) {
  Pipe pipe;
  pipe.put("one\ntwo\r\n\nlast");
  pipe.write = UniqueFd();
  LineReader reader(pipe.read.get(), 100);
  std::vector<std::string> lines;
  std::string line;
  while (next(reader, line) == Got::line) lines.push_back(line);
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "", "last"}));
  EXPECT_EQ(reader.lines(), 4U);
  EXPECT_EQ(next(reader, line), Got::end);
}

TEST(LineReader, is_idle_until_a_line_is_whole) {
  Pipe pipe;
  LineReader reader(pipe.read.get(), 100);
  std::string line;
  EXPECT_EQ(next(reader, line), Got::idle);
  pipe.put("ha");
  EXPECT_EQ(next(reader, line), Got::idle);
  pipe.put("lf\nnext");
  EXPECT_EQ(next(reader, line), Got::line);
  EXPECT_EQ(line, "half");
  EXPECT_EQ(next(reader, line), Got::idle);
}

TEST(LineReader, refuses_a_line_that_is_too_long) {
  Pipe pipe;
  pipe.put(std::string(101, 'x'));
  LineReader reader(pipe.read.get(), 100);
  std::string_view line;
  Result<Got> got = reader.next(line, kNow);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace penstock::cli
