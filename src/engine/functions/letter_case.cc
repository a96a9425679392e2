#include "engine/functions/letter_case.h"

#include <algorithm>

namespace penstock::engine::functions {
namespace {

// The range that holds the code, or nullptr. Ranges of stride 2 interleave, so neighbours are
// looked at.
template <typename Range>
const Range* find_range(std::span<const Range> ranges, std::uint32_t code) {
  auto after =
      std::upper_bound(ranges.begin(), ranges.end(), code,
                       [](std::uint32_t c, const Range& range) { return c < range.first; });
  for (int tries = 0; tries < 4 && after != ranges.begin(); ++tries) {
    --after;
    if (code <= after->last && (code - after->first) % after->stride == 0) return &*after;
  }
  return nullptr;
}

CaseMapping mapped(std::uint32_t code, std::span<const CaseRange> ranges,
                   std::span<const SpecialCase> special) {
  if (const CaseRange* range = find_range(ranges, code))
    return {{static_cast<std::uint32_t>(static_cast<std::int32_t>(code) + range->delta)}, 1};
  auto at =
      std::lower_bound(special.begin(), special.end(), code,
                       [](const SpecialCase& entry, std::uint32_t c) { return entry.code < c; });
  if (at != special.end() && at->code == code)
    return {{at->first, at->second, at->third}, at->third != 0 ? 3 : 2};
  return {{code}, 1};
}

}  // namespace

CharacterClass class_of(std::uint32_t code) {
  if (code < 0x80) {
    if (code >= 'A' && code <= 'Z') return CharacterClass::upper;
    if (code >= 'a' && code <= 'z') return CharacterClass::lower;
    return code >= '0' && code <= '9' ? CharacterClass::digit : CharacterClass::other;
  }
  const ClassRange* range = find_range(class_ranges(), code);
  return range != nullptr ? range->kind : CharacterClass::other;
}

OtherKind other_kind_of(std::uint32_t code) {
  const std::span<const WordRange> ranges = word_ranges();
  auto after = std::upper_bound(ranges.begin(), ranges.end(), code,
                                [](std::uint32_t c, const WordRange& r) { return c < r.first; });
  if (after == ranges.begin() || code > (--after)->last) return OtherKind::rest;
  return after->number ? OtherKind::number : OtherKind::letter;
}

CaseMapping to_upper(std::uint32_t code) {
  if (code < 0x80) return {{code >= 'a' && code <= 'z' ? code - 0x20 : code}, 1};
  return mapped(code, upper_ranges(), upper_special_cases());
}

CaseMapping to_lower(std::uint32_t code) {
  if (code < 0x80) return {{code >= 'A' && code <= 'Z' ? code + 0x20 : code}, 1};
  return mapped(code, lower_ranges(), lower_special_cases());
}

}  // namespace penstock::engine::functions
