#include "engine/functions/like_pattern.h"

#include <immintrin.h>

#include <bit>
#include <cstring>

namespace penstock::engine::functions {
namespace {

constexpr std::size_t kNotFound = std::string_view::npos;

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// Where `what` (not empty) is found first in a text, or kNone. 32 places at once are tried by the
// first and the last byte; the rest of the text, and texts where too many places look right, go to
// memmem, which takes linear time.
std::size_t find_literal(std::string_view text, std::string_view what) {
  const __m256i first = _mm256_set1_epi8(what.front()), last = _mm256_set1_epi8(what.back());
  std::size_t at = 0, false_alarms = 0;
  constexpr std::size_t width = 32, false_alarms_max = 16;
  for (; at + what.size() - 1 + width <= text.size() && false_alarms < false_alarms_max;
       at += width) {
    const auto* begin = reinterpret_cast<const __m256i*>(text.data() + at);
    const auto* end = reinterpret_cast<const __m256i*>(text.data() + at + what.size() - 1);
    const __m256i both = _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_loadu_si256(begin), first),
                                          _mm256_cmpeq_epi8(_mm256_loadu_si256(end), last));
    auto places = static_cast<std::uint32_t>(_mm256_movemask_epi8(both));
    for (; places != 0; places &= places - 1, ++false_alarms) {
      const std::size_t place = at + static_cast<std::size_t>(std::countr_zero(places));
      if (std::memcmp(text.data() + place, what.data(), what.size()) == 0) return place;
    }
  }
  const void* found = memmem(text.data() + at, text.size() - at, what.data(), what.size());
  if (found == nullptr) return kNotFound;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

// Size of the character at text[at].
std::size_t character_size(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && continues_character(text[end])) ++end;
  return end - at;
}

}  // namespace

void LikePattern::compile(std::string_view pattern, std::string_view escape) {
  literals_.clear();
  parts_.assign(1, Part{});
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (!escape.empty() && pattern.substr(at).starts_with(escape) &&
        at + escape.size() < pattern.size()) {
      at += escape.size();
    } else if (pattern[at] == '%') {
      parts_.push_back(Part{static_cast<std::uint32_t>(literals_.size()), 0, false});
      continue;
    } else if (pattern[at] == '_') {
      literals_.push_back(kAnyCharacter);
      parts_.back().has_any = true;
      ++parts_.back().size;
      continue;
    }
    literals_.push_back(pattern[at]);
    ++parts_.back().size;
  }
}

bool LikePattern::matches(std::string_view text) const {
  const Part& first = parts_.front();
  if (parts_.size() == 1) {
    if (!first.has_any) return text == literal(first);
    return match_at(first, text) == text.size();
  }
  std::size_t used = match_at(first, text);
  return used != kNotFound && matches_open(text.substr(used));
}

// The rest of a text after the first part and its %.
bool LikePattern::matches_open(std::string_view text) const {
  for (std::size_t i = 1; i + 1 < parts_.size(); ++i) {
    if (parts_[i].size == 0) continue;
    std::size_t end = 0;
    if (find(parts_[i], text, end) == kNotFound) return false;
    text.remove_prefix(end);
  }
  return matches_end(parts_.back(), text);
}

// How many bytes of the text's front the part takes, or kNone.
std::size_t LikePattern::match_at(const Part& part, std::string_view text) const {
  if (!part.has_any) return text.starts_with(literal(part)) ? part.size : kNotFound;
  std::size_t at = 0;
  for (char c : literal(part)) {
    if (at == text.size()) return kNotFound;
    if (c == kAnyCharacter)
      at += character_size(text, at);
    else if (text[at++] != c)
      return kNotFound;
  }
  return at;
}

// Where the part is found first; end: behind it.
std::size_t LikePattern::find(const Part& part, std::string_view text, std::size_t& end) const {
  if (!part.has_any) {
    const std::size_t at = find_literal(text, literal(part));
    end = at + part.size;
    return at;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (continues_character(text[at])) continue;
    std::size_t used = match_at(part, text.substr(at));
    if (used == kNotFound) continue;
    end = at + used;
    return at;
  }
  return kNotFound;
}

// Characters are taken from the end, so that the part is tried in one place only.
bool LikePattern::matches_end(const Part& part, std::string_view text) const {
  if (!part.has_any) return text.ends_with(literal(part));
  std::size_t end = text.size();
  for (std::size_t i = part.size; i > 0; --i) {
    if (end == 0) return false;
    char c = literal(part)[i - 1];
    --end;
    if (c == kAnyCharacter) {
      while (end > 0 && continues_character(text[end])) --end;
    } else if (text[end] != c) {
      return false;
    }
  }
  return true;
}

}  // namespace penstock::engine::functions
