// Text results: one reservation per batch where a bound is known beforehand.
#pragma once

#include <span>

#include "data/arena.h"

namespace penstock::data {

// Room for the text results of one call. Gives back to the arena what was not used.
class TextOutput {
 public:
  // bytes_max: at least as much as all texts together will need.
  TextOutput(data::Arena& arena, std::size_t bytes_max)
      : arena_(arena), room_(arena.allocate(bytes_max)) {}
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;
  ~TextOutput() { arena_.shrink_last(room_, used_); }

  // Where the next text begins.
  char* next() { return room_.data() + used_; }
  // The bytes written since next() as a text.
  Text take(std::size_t size) {
    Text text(next(), size);
    used_ += size;
    return text;
  }
  Text take_until(const char* end) { return take(static_cast<std::size_t>(end - next())); }

 private:
  data::Arena& arena_;
  std::span<char> room_;
  std::size_t used_ = 0;
};

}  // namespace penstock::data
