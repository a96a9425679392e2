#include "cli/console/cell_text.h"

#include <cwchar>

#include <algorithm>

#include <fmt/format.h>

#include "base/json.h"
#include "cli/limits.h"

namespace penstock::cli {
namespace {

// The next character: its bytes and columns. Broken UTF-8 goes byte by byte.
struct Glyph {
  std::size_t bytes = 1;
  std::size_t columns = 1;
};

Glyph next_glyph(std::string_view text) {
  std::mbstate_t state{};
  wchar_t wide = 0;
  std::size_t n = std::mbrtowc(&wide, text.data(), text.size(), &state);
  if (n == 0 || n > text.size()) return {};
  int columns = ::wcwidth(wide);
  return {n, static_cast<std::size_t>(columns < 0 ? 1 : columns)};
}

// Bytes of the longest prefix of at most `width` columns.
std::size_t prefix_bytes(std::string_view text, std::size_t width) {
  std::size_t at = 0, columns = 0;
  while (at < text.size()) {
    Glyph glyph = next_glyph(text.substr(at));
    if (columns + glyph.columns > width) break;
    columns += glyph.columns;
    at += glyph.bytes;
  }
  return at;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    Glyph glyph = next_glyph(text);
    columns += glyph.columns;
    text.remove_prefix(glyph.bytes);
  }
  return columns;
}

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < kCellBytesMax; ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    bool c1 = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\r')
      out += "\\r";
    else if (c < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", c);
    else if (c1)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
    else
      out.push_back(text[i]);
  }
  return out;
}

std::string printable_lines(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (at > 0) out.push_back('\n');
    out += printable(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string cut_to_width(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return "";
  return std::string(text.substr(0, prefix_bytes(text, width - 1))) + "…";
}

std::vector<std::string> wrap_to_width(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::size_t n = prefix_bytes(text, width);
    if (n == 0) n = next_glyph(text).bytes;  // wider than the column
    lines.emplace_back(text.substr(0, n));
    text.remove_prefix(n);
  }
  if (lines.empty()) lines.emplace_back();
  return lines;
}

std::string cell_from_json(std::string_view json) {
  if (!json.starts_with('"')) return printable(json);
  Json value = Json::parse(json, nullptr, false);
  return value.is_string() ? printable(value.get_ref<const std::string&>()) : printable(json);
}

std::vector<std::string> split_array(std::string_view array) {
  std::vector<std::string> out;
  std::string element;
  std::size_t depth = 0;
  bool in_string = false;
  auto take = [&] {
    if (!element.empty()) out.push_back(std::move(element));
    element.clear();
  };
  for (std::size_t i = 0; i < array.size(); ++i) {
    char c = array[i];
    if (in_string) {
      element.push_back(c);
      if (c == '\\' && i + 1 < array.size())
        element.push_back(array[++i]);
      else if (c == '"')
        in_string = false;
      continue;
    }
    if (c == '[' || c == '{') {
      if (++depth == 1) continue;
    } else if (c == ']' || c == '}') {
      if (depth-- <= 1) break;
    } else if (c == ',' && depth == 1) {
      take();
      continue;
    } else if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      continue;
    }
    in_string = c == '"';
    element.push_back(c);
  }
  take();
  return out;
}

}  // namespace penstock::cli
