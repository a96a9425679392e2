// links: engine sql data base
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "data/arena.h"
#include "engine/functions/like_pattern.h"
#include "engine/functions/text_encoding.h"
#include "engine/functions/url_parts.h"
#include "engine/functions/utf16.h"

namespace functions = penstock::engine::functions;
using penstock::data::Arena;
using penstock::data::Text;

namespace {

// Copies without bytes behind the end, so that a read beyond it shows.
std::string exact(std::string_view text) {
  return std::string(text);
}

void check_slices(std::string_view text, std::size_t at) {
  Arena arena;
  const std::size_t length = functions::utf16_length(text);
  CHECK(length <= text.size());
  const Text front = functions::utf16_slice(Text(text), 0, at, arena);
  const Text back = functions::utf16_slice(Text(text), at, length, arena);
  CHECK(front.size <= text.size());
  CHECK(back.size <= text.size());
}

void check_encodings(std::string_view text) {
  using functions::TextEncoding;
  Arena arena;
  for (TextEncoding encoding :
       {TextEncoding::hex, TextEncoding::utf8, TextEncoding::ascii, TextEncoding::base64}) {
    functions::bytes_of_text(Text(text), encoding, arena);
    functions::text_of_bytes(Text(text), encoding, functions::HexCase::lower, arena);
  }
  for (TextEncoding encoding : {TextEncoding::hex, TextEncoding::base64}) {
    const Text written =
        functions::text_of_bytes(Text(text), encoding, functions::HexCase::upper, arena);
    const auto read = functions::bytes_of_text(written, encoding, arena);
    CHECK(read.has_value());
    CHECK(read->view() == text);
  }
}

void check_url(std::string_view text) {
  std::string out(text.size() * 3 + 1, '\0');
  const char* end = functions::encode_form(out.data(), text);
  const std::string encoded(out.data(), static_cast<std::size_t>(end - out.data()));
  std::string back(encoded.size() + 1, '\0');
  const char* decoded = functions::decode_percent(back.data(), encoded, true);
  CHECK(decoded != nullptr);
  CHECK(std::string_view(back.data(), static_cast<std::size_t>(decoded - back.data())) == text);
  if (const auto parts = functions::parse_url(text); parts && parts->query)
    functions::query_parameter(*parts->query, "a");
}

}  // namespace

// The first byte splits the rest into a pattern and a text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t split = std::min<std::size_t>(data[0], all.size());
  const std::string pattern = exact(all.substr(0, split)), text = exact(all.substr(split));
  functions::LikePattern like;
  like.compile(pattern, "!");
  like.matches(text);
  check_slices(text, data[0] % 16);
  check_encodings(text);
  check_url(text);
  return 0;
}
