#include "manager/sessions.h"

#include <algorithm>
#include <cstring>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace penstock::manager {
namespace {

constexpr std::string_view kCookieName = "kbs-session-id";
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kNonceBytes = 32;

std::unexpected<Error> unknown_session() {
  return fail(ErrorCode::unauthenticated,
              "the session is unknown, over or its nonce was used: begin again with auth");
}

bool is_id(std::string_view text) {
  return text.size() == 2 * kIdBytes && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::size_t Sessions::KeyHash::operator()(const Key& key) const {
  std::size_t hash = 0;
  std::memcpy(&hash, key.data(), sizeof hash);
  return hash;
}

Result<Sessions::Challenge> Sessions::begin(std::string_view tee,
                                            std::shared_ptr<const attest::TpmCredentialAsked> tpm) {
  std::array<std::uint8_t, kIdBytes> id{};
  std::array<std::uint8_t, kNonceBytes> nonce{};
  TRY(random_.fill(id));
  TRY(random_.fill(nonce));
  Session session;
  session.challenge = {to_hex(id), to_base64(nonce), std::string(tee), clock_.now_ms() + kSessionMs,
                       std::move(tpm)};
  session.key = crypto::sha256(as_bytes(session.challenge.id));
  Challenge challenge = session.challenge;
  const std::lock_guard lock(mutex_);
  expire(clock_.now_ms());
  make_room();
  open_.push_back(std::move(session));
  by_key_.emplace(open_.back().key, std::prev(open_.end()));
  return challenge;
}

Result<Sessions::Challenge> Sessions::take_challenge(std::string_view id) {
  const std::lock_guard lock(mutex_);
  Session* session = find(id);
  if (session == nullptr || session->stage != Stage::challenged) return unknown_session();
  session->stage = Stage::answered;
  return session->challenge;
}

bool Sessions::is_challenged(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const Session* session = find(id);
  return session != nullptr && session->stage == Stage::challenged;
}

void Sessions::attested(std::string_view id, std::shared_ptr<const keys::Requester> requester) {
  const std::lock_guard lock(mutex_);
  Session* session = find(id);
  if (session == nullptr || session->stage != Stage::answered) return;
  session->stage = Stage::attested;
  session->requester = std::move(requester);
  const auto at = by_key_.find(session->key)->second;
  const auto later = [&](const Session& other) {
    return other.challenge.expires_ms > at->challenge.expires_ms;
  };
  // From the back: sessions attest in nearly the order in which they began.
  auto place = proved_.end();
  while (place != proved_.begin() && later(*std::prev(place))) --place;
  proved_.splice(place, open_, at);
}

Result<std::shared_ptr<const keys::Requester>> Sessions::requester(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const Session* session = find(id);
  if (session == nullptr || session->stage != Stage::attested) return unknown_session();
  return session->requester;
}

std::size_t Sessions::size() {
  const std::lock_guard lock(mutex_);
  expire(clock_.now_ms());
  return by_key_.size();
}

void Sessions::expire(std::int64_t now_ms) {
  for (Queue* queue : {&open_, &proved_}) {
    while (!queue->empty() && queue->front().challenge.expires_ms <= now_ms) drop_front(*queue);
  }
}

void Sessions::make_room() {
  while (by_key_.size() >= sessions_max_) drop_front(open_.empty() ? proved_ : open_);
}

void Sessions::drop_front(Queue& queue) {
  by_key_.erase(queue.front().key);
  queue.pop_front();
}

Sessions::Session* Sessions::find(std::string_view id) {
  expire(clock_.now_ms());
  const auto found = by_key_.find(crypto::sha256(as_bytes(id)));
  return found == by_key_.end() ? nullptr : &*found->second;
}

Result<std::string> session_cookie(std::string_view field) {
  if (field.size() > kCookieBytesMax)
    return fail(ErrorCode::invalid_argument, "Cookie: the field is too long");
  std::string id;
  while (!field.empty()) {
    const std::size_t end = std::min(field.find(';'), field.size());
    const std::string_view pair = trimmed(field.substr(0, end));
    field.remove_prefix(std::min(end + 1, field.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != kCookieName) continue;
    const std::string_view value = pair.substr(equals + 1);
    if (!id.empty() || !is_id(value)) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("Cookie: expected one {} of {} lower-case hex digits", kCookieName,
                              2 * kIdBytes));
    }
    id = value;
  }
  return id;
}

std::string set_session_cookie(const Sessions::Challenge& challenge) {
  const std::time_t expires = challenge.expires_ms / 1000;
  return fmt::format("{}={}; Expires={:%a, %d %b %Y %H:%M:%S} GMT; Path=/; Secure; HttpOnly",
                     kCookieName, challenge.id, fmt::gmtime(expires));
}

}  // namespace penstock::manager
