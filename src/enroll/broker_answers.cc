#include "enroll/broker_answers.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "enroll/limits.h"

namespace penstock::enroll {
namespace {

constexpr std::string_view kCookieName = "kbs-session-id=";

bool is_printable(char c) {
  return c >= 0x20 && c < 0x7f;
}

Result<Json> parse_answer(std::string_view body, std::string_view what, std::size_t bytes_max) {
  Json json = TRY(parse_json(body, what, {.bytes_max = bytes_max, .depth_max = 8}));
  if (!json.is_object()) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: expected a JSON object", what));
  }
  return json;
}

// Seconds since 1970 of a claim; JSON numbers may carry a fraction (RFC 7519, NumericDate).
std::int64_t numeric_date(const Json& claims, const char* name) {
  constexpr double kSecondsMax = 253'402'300'799;  // the year 9999
  const auto at = claims.find(name);
  if (at == claims.end() || !at->is_number()) return 0;
  const double seconds = at->get<double>();
  return seconds >= 1 && seconds <= kSecondsMax ? static_cast<std::int64_t>(seconds) : 0;
}

Result<Json> token_claims(std::string_view token) {
  constexpr std::string_view kWhat = "token of the manager";
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: expected three parts with dots between", kWhat));
  }
  const ByteBuffer claims =
      TRY_IN(from_base64url(token.substr(first + 1, second - first - 1)), kWhat);
  return parse_answer(as_text(claims), kWhat, kTokenAnswerBytesMax);
}

// Printable ASCII of the text, at most kDetailBytesMax of it: it goes into logs.
std::string cleaned(std::string_view text) {
  std::string out(text.substr(0, kDetailBytesMax));
  std::ranges::replace_if(out, [](char c) { return !is_printable(c); }, '?');
  return out;
}

ErrorCode code_of(int status, std::string_view kind, std::string_view detail) {
  if (status == 403) return ErrorCode::permission_denied;
  if (status == 401) {
    const bool judged = kind == "AttestationError" && detail.starts_with("denied");
    return judged ? ErrorCode::permission_denied : ErrorCode::unauthenticated;
  }
  if (status == 404) return ErrorCode::not_found;
  if (kind == "LeaseOver") return ErrorCode::fenced;
  if (status == 408 || status == 429 || status >= 500) return ErrorCode::unavailable;
  return ErrorCode::failed_precondition;
}

}  // namespace

Result<std::string> read_challenge(std::string_view body) {
  constexpr std::string_view kWhat = "challenge of the manager";
  const Json json = TRY(parse_answer(body, kWhat, kChallengeBytesMax));
  std::string nonce = TRY(json_string(json, kWhat, "nonce"));
  const bool clean = std::ranges::all_of(nonce, is_printable);
  if (nonce.empty() || nonce.size() > kNonceBytesMax || !clean) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{}: expected a nonce of 1 to {} printable characters", kWhat, kNonceBytesMax));
  }
  return nonce;
}

Result<BrokerToken> read_token(std::string_view body) {
  constexpr std::string_view kWhat = "answer to the evidence";
  const Json json = TRY(parse_answer(body, kWhat, kTokenAnswerBytesMax));
  BrokerToken out;
  out.text = TRY(json_string(json, kWhat, "token"));
  const bool clean =
      std::ranges::all_of(out.text, [](char c) { return is_printable(c) && c != ' '; });
  if (!clean) return fail(ErrorCode::invalid_argument, fmt::format("{}: not a token", kWhat));
  const Json claims = TRY(token_claims(out.text));
  out.issued_s = numeric_date(claims, "iat");
  out.expires_s = numeric_date(claims, "exp");
  if (out.expires_s == 0) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: the token does not say when it ends (exp)", kWhat));
  }
  return out;
}

Result<Json> read_resource(std::string_view body) {
  return parse_answer(body, "resource of the manager", kResourceAnswerBytesMax);
}

Result<crypto::Certificate> read_certificate(std::string_view body) {
  constexpr std::string_view kWhat = "certificate of the manager";
  const Json json = TRY(parse_answer(body, kWhat, kChallengeBytesMax));
  const std::string pem = TRY(json_string(json, kWhat, "certificate"));
  return TRY_IN(crypto::Certificate::from_pem(pem), kWhat);
}

Result<std::int64_t> read_lease(std::string_view body) {
  constexpr std::string_view kWhat = "lease of the manager";
  const Json json = TRY(parse_answer(body, kWhat, kChallengeBytesMax));
  const std::int64_t term = TRY(json_integer(json, kWhat, "term"));
  if (term < 1)
    return fail(ErrorCode::invalid_argument, fmt::format("{}: its term is not from 1", kWhat));
  return term;
}

Result<std::string> read_session_cookie(std::string_view set_cookie) {
  const std::string_view pair = set_cookie.substr(0, set_cookie.find(';'));
  const bool clean = std::ranges::all_of(pair, [](char c) { return is_printable(c) && c != ' '; });
  if (!pair.starts_with(kCookieName) || pair.size() == kCookieName.size() ||
      pair.size() > kCookieBytesMax || !clean) {
    return fail(ErrorCode::invalid_argument,
                "challenge of the manager: expected the cookie kbs-session-id");
  }
  return std::string(pair);
}

Error read_refusal(int status, std::string_view body) {
  std::string kind, detail = "no reason was given";
  const auto json = parse_answer(body, "refusal", kRefusalBytesMax);
  if (json) {
    if (auto type = json_string(*json, "refusal", "type")) {
      kind = type->substr(type->rfind('/') + 1);
    }
    if (auto text = json_string(*json, "refusal", "detail")) detail = *text;
  }
  return Error(code_of(status, kind, detail),
               fmt::format("the manager answered {}: {}", status, cleaned(detail)));
}

}  // namespace penstock::enroll
