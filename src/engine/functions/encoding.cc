// ENCODE, TO_BYTES, FROM_BYTES, numbers and UUIDs out of BYTES. What is malformed gives NULL.
#include <bit>
#include <cstdint>
#include <cstring>

#include "base/ascii.h"
#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/overload.h"
#include "engine/functions/text_encoding.h"
#include "engine/functions/text_output.h"
#include "engine/functions/volatile.h"

namespace penstock::engine::functions {
namespace {

void encode(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  const Text* from = argument<Text>(call, 1);
  const Text* to = argument<Text>(call, 2);
  each_row(call.rows, [&](RowIndex row) {
    const auto source = parse_text_encoding(from[row].view()),
               target = parse_text_encoding(to[row].view());
    if (!source || !target) return store_text(call, row, std::nullopt);
    auto bytes = bytes_of_text(in[row], *source, call.arena);
    if (bytes) *bytes = text_of_bytes(*bytes, *target, HexCase::lower, call.arena);
    store_text(call, row, bytes);
  });
}

void to_bytes(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  const Text* names = argument<Text>(call, 1);
  each_row(call.rows, [&](RowIndex row) {
    const auto encoding = parse_text_encoding(names[row].view());
    store_text(call, row, encoding ? bytes_of_text(in[row], *encoding, call.arena) : std::nullopt);
  });
}

void from_bytes(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  const Text* names = argument<Text>(call, 1);
  each_row(call.rows, [&](RowIndex row) {
    const auto encoding = parse_text_encoding(names[row].view());
    if (!encoding) return store_text(call, row, std::nullopt);
    store_text(call, row, text_of_bytes(in[row], *encoding, HexCase::upper, call.arena));
  });
}

// Whether the most significant byte comes first, by the order's name; nullopt for another name.
std::optional<bool> big_endian(const Text* orders, RowIndex row) {
  if (orders == nullptr || equal_ignoring_case(orders[row].view(), "BIG_ENDIAN")) return true;
  if (equal_ignoring_case(orders[row].view(), "LITTLE_ENDIAN")) return false;
  return std::nullopt;
}

// R from its bytes; NULL unless there are exactly as many as it has.
template <typename R, typename Bits>
void number_of_bytes(const KernelCall& call) {
  const Text* in = argument<Text>(call, 0);
  const Text* orders = call.args.size() > 1 ? argument<Text>(call, 1) : nullptr;
  R* out = results<R>(call);
  each_row(call.rows, [&](RowIndex row) {
    const auto big = big_endian(orders, row);
    Bits bits = 0;
    if (!big || in[row].size != sizeof(Bits)) {
      out[row] = R{};
      return call.result.set_null(row);
    }
    std::memcpy(&bits, in[row].data, sizeof bits);
    if (*big) {
      if constexpr (sizeof(Bits) == 4)
        bits = __builtin_bswap32(bits);
      else
        bits = __builtin_bswap64(bits);
    }
    out[row] = std::bit_cast<R>(bits);
  });
}

void uuid_of_bytes(const KernelCall& call) {
  constexpr std::size_t uuid_bytes = 16, text_bytes = 36;
  const Text* in = argument<Text>(call, 0);
  Text* out = results<Text>(call);
  TextOutput output(call.arena, call.rows.size() * text_bytes);
  each_row(call.rows, [&](RowIndex row) {
    out[row] = Text();
    if (in[row].size != uuid_bytes) return call.result.set_null(row);
    char* to = output.next();
    for (std::size_t i = 0; i < uuid_bytes; ++i) {
      const auto byte = static_cast<unsigned char>(in[row].data[i]);
      if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
      *to++ = "0123456789abcdef"[byte >> 4];
      *to++ = "0123456789abcdef"[byte & 15];
    }
    out[row] = output.take(text_bytes);
  });
}

sql::ScalarFunction number_function(std::string_view name, std::string_view help, ResultRule result,
                                    sql::Kernel kernel,
                                    std::vector<sql::FunctionExample> examples) {
  return {name,
          "BYTES",
          help,
          {overload({ArgKind::bytes}, result, kernel),
           overload({ArgKind::bytes, ArgKind::string}, result, kernel)},
          std::move(examples)};
}

}  // namespace

FunctionList encoding_functions() {
  using enum ArgKind;
  return {
      {"ENCODE",
       "STRING",
       "Turns a text from one encoding into another: 'hex', 'utf8', 'ascii', 'base64'; NULL if it "
       "is "
       "malformed.",
       {overload({string, string, string}, kString, encode)},
       {{"ENCODE('RXhhbXBsZSE=', 'base64', 'hex')", "'4578616d706c6521'"},
        {"ENCODE('Example!', 'utf8', 'base64')", "'RXhhbXBsZSE='"},
        {"ENCODE('a', 'b', 'hex')", "NULL"}}},
      {"TO_BYTES",
       "BYTES",
       "The bytes that a text stands for in 'hex', 'utf8', 'ascii' or 'base64'.",
       {overload({string, string}, kBytes, to_bytes)},
       {{"TO_BYTES('0aff', 'hex')", "X'0AFF'"}, {"TO_BYTES('zz', 'hex')", "NULL"}}},
      {"FROM_BYTES",
       "BYTES",
       "Bytes as text in 'hex', 'utf8', 'ascii' or 'base64'.",
       {overload({bytes, string}, kString, from_bytes)},
       {{"FROM_BYTES(X'0AFF', 'hex')", "'0AFF'"}, {"FROM_BYTES(X'6162', 'utf8')", "'ab'"}}},
      number_function("INT_FROM_BYTES", "An INTEGER from 4 bytes, 'BIG_ENDIAN' or 'LITTLE_ENDIAN'.",
                      kInteger, number_of_bytes<std::int32_t, std::uint32_t>,
                      {{"INT_FROM_BYTES(X'00000010')", "16"},
                       {"INT_FROM_BYTES(X'10000000', 'LITTLE_ENDIAN')", "16"},
                       {"INT_FROM_BYTES(X'10')", "NULL"}}),
      number_function("BIGINT_FROM_BYTES",
                      "A BIGINT from 8 bytes, 'BIG_ENDIAN' or 'LITTLE_ENDIAN'.", kBigint,
                      number_of_bytes<std::int64_t, std::uint64_t>,
                      {{"BIGINT_FROM_BYTES(X'0000000000000010')", "16"}}),
      number_function("DOUBLE_FROM_BYTES",
                      "A DOUBLE from 8 bytes, 'BIG_ENDIAN' or 'LITTLE_ENDIAN'.", kDouble,
                      number_of_bytes<double, std::uint64_t>,
                      {{"DOUBLE_FROM_BYTES(X'3FF8000000000000')", "1.5"}}),
      {.name = "UUID",
       .category = "STRING",
       .help = "A new random UUID, or the text of a UUID's 16 bytes.",
       .overloads = {overload({}, kString, random_uuid), overload({bytes}, kString, uuid_of_bytes)},
       .examples = {{"UUID(X'00112233445566778899AABBCCDDEEFF')",
                     "'00112233-4455-6677-8899-aabbccddeeff'"},
                    {"LEN(UUID())", "36"}},
       .deterministic = false},
  };
}

}  // namespace penstock::engine::functions
