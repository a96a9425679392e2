// URL_...: what is no URL, and parts that are absent, give NULL.
#include <optional>

#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/overload.h"
#include "engine/functions/text_encoding.h"
#include "engine/functions/text_output.h"
#include "engine/functions/url_parts.h"

namespace penstock::engine::functions {
namespace {

// The text without percent-encoding, as UTF-8.
std::optional<Text> decoded(std::string_view text, bool form, data::Arena& arena) {
  char* const out = arena.allocate(text.size()).data();
  const char* end = decode_percent(out, text, form);
  if (end == nullptr) return std::nullopt;
  return text_of_bytes(Text(out, static_cast<std::size_t>(end - out)), TextEncoding::utf8,
                       HexCase::lower, arena);
}

using Part = std::optional<std::string_view> (*)(const UrlParts&);

std::optional<std::string_view> scheme_of(const UrlParts& parts) {
  return parts.scheme;
}
std::optional<std::string_view> host_of(const UrlParts& parts) {
  return parts.host;
}
std::optional<std::string_view> path_of(const UrlParts& parts) {
  return parts.path;
}
std::optional<std::string_view> query_of(const UrlParts& parts) {
  return parts.query;
}
std::optional<std::string_view> fragment_of(const UrlParts& parts) {
  return parts.fragment;
}

template <Part part>
void extract(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  each_row(call.rows, [&](RowIndex row) {
    const auto parts = parse_url(in[row].view());
    const auto found = parts ? part(*parts) : std::nullopt;
    store_text(call, row, found ? decoded(*found, false, call.arena) : std::nullopt);
  });
}

void extract_port(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  std::int32_t* out = results<std::int32_t>(call);
  each_row(call.rows, [&](RowIndex row) {
    const auto parts = parse_url(in[row].view());
    const auto port = parts ? parts->port : std::nullopt;
    out[row] = port.value_or(0);
    if (!port) call.result.set_null(row);
  });
}

void extract_parameter(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  const Text* names = argument<Text>(call, 1);
  each_row(call.rows, [&](RowIndex row) {
    const auto parts = parse_url(in[row].view());
    // Names and values are compared and given decoded; a plus sign is one.
    const auto query =
        parts && parts->query ? decoded(*parts->query, false, call.arena) : std::nullopt;
    const auto found = query ? query_parameter(query->view(), names[row].view()) : std::nullopt;
    store_text(call, row, found ? std::optional(Text(*found)) : std::nullopt);
  });
}

void encode_parameter(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  each_row(call.rows, [&](RowIndex row) {
    char* const out = call.arena.allocate(std::size_t{in[row].size} * 3).data();
    const char* end = encode_form(out, in[row].view());
    store_text(call, row, Text(out, static_cast<std::size_t>(end - out)));
  });
}

void decode_parameter(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  each_row(call.rows,
           [&](RowIndex row) { store_text(call, row, decoded(in[row].view(), true, call.arena)); });
}

sql::ScalarFunction of_url(std::string_view name, std::string_view help, sql::Kernel kernel,
                           std::vector<sql::FunctionExample> examples) {
  return {name, "URL", help, {overload({ArgKind::string}, kString, kernel)}, std::move(examples)};
}

}  // namespace

FunctionList url_functions() {
  using enum ArgKind;
  return {
      of_url("URL_ENCODE_PARAM", "The text as a parameter's value in a URL.", encode_parameter,
             {{"URL_ENCODE_PARAM('?foo $bar')", "'%3Ffoo+%24bar'"}}),
      of_url("URL_DECODE_PARAM", "The text that a parameter's value in a URL stands for.",
             decode_parameter, {{"URL_DECODE_PARAM('%3Ffoo+%24bar')", "'?foo $bar'"}}),
      of_url("URL_EXTRACT_FRAGMENT", "What follows # in a URL.", extract<fragment_of>,
             {{"URL_EXTRACT_FRAGMENT('http://example.com#frag')", "'frag'"}}),
      of_url("URL_EXTRACT_HOST", "The host of a URL.", extract<host_of>,
             {{"URL_EXTRACT_HOST('http://test@example.org:8080')", "'example.org'"},
              {"URL_EXTRACT_HOST('no url')", "NULL"}}),
      of_url("URL_EXTRACT_PATH", "The path of a URL.", extract<path_of>,
             {{"URL_EXTRACT_PATH('http://example.com/a%20b?q')", "'/a b'"}}),
      of_url("URL_EXTRACT_PROTOCOL", "The scheme of a URL.", extract<scheme_of>,
             {{"URL_EXTRACT_PROTOCOL('https://example.com')", "'https'"},
              {"URL_EXTRACT_PROTOCOL('www.example.com')", "NULL"}}),
      of_url("URL_EXTRACT_QUERY", "What follows ? in a URL.", extract<query_of>,
             {{"URL_EXTRACT_QUERY('http://example.com/?a=1&b=2#f')", "'a=1&b=2'"}}),
      {"URL_EXTRACT_PORT",
       "URL",
       "The port of a URL; NULL if it names none.",
       {overload({string}, kInteger, extract_port)},
       {{"URL_EXTRACT_PORT('http://example.com:8080/a')", "8080"},
        {"URL_EXTRACT_PORT('http://example.com')", "NULL"}}},
      {"URL_EXTRACT_PARAMETER",
       "URL",
       "A parameter's value in a URL's query.",
       {overload({string, string}, kString, extract_parameter)},
       {{"URL_EXTRACT_PARAMETER('http://example.com?a=x+y&b=2', 'a')", "'x+y'"},
        {"URL_EXTRACT_PARAMETER('http://example.com?a=1', 'c')", "NULL"}}},
  };
}

}  // namespace penstock::engine::functions
