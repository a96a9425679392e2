#include "enroll/broker_client.h"

#include <optional>

#include <fmt/format.h>

#include "attest/limits.h"
#include "attest/report_data.h"
#include "base/json.h"
#include "crypto/csr.h"
#include "crypto/ec.h"
#include "crypto/jwe.h"
#include "enroll/broker_answers.h"
#include "enroll/limits.h"

namespace penstock::enroll {
namespace {

constexpr std::string_view kVersion = "0.4.0";
constexpr std::string_view kAdditionalEvidence = "";  // no second device

net::HttpRequest post(std::string path, const Json& body, net::HttpFields fields = {}) {
  fields.push_back({"Content-Type", "application/json"});
  return {.method = "POST",
          .path = std::move(path),
          .query = {},
          .fields = std::move(fields),
          .body = body.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

std::string session_cookie_field(const net::HttpResponse& response) {
  return std::string(response.field("Set-Cookie"));
}

}  // namespace

struct BrokerClient::Parts {
  const tee::Provider& provider;
  std::string initdata;
  crypto::P256PrivateKey key;
  crypto::JweRecipient recipient;
  std::optional<net::HttpCancel> own_cancel;
  const net::HttpCancel* cancel;
  std::string manager;
  net::HttpClient http;
  BrokerToken token = {};

  // The answer if it is a 200.
  Result<net::HttpResponse> call(const net::HttpRequest& request);
  Result<Json> evidence_for(std::string_view nonce) const;
  Result<BrokerToken> shake_hands();
  Result<net::HttpResponse> call_with_token(net::HttpRequest request, BrokerClient& client);
};

Result<net::HttpResponse> BrokerClient::Parts::call(const net::HttpRequest& request) {
  auto response = http.call(request);
  if (!response && response.error().code() == ErrorCode::unauthenticated) {
    // Of TLS: somebody who is not the manager. That is no denial by it.
    return fail(ErrorCode::not_authentic,
                fmt::format("the manager's certificate is not of the pinned CA: {}",
                            response.error().text()));
  }
  if (!response) return response;
  if (response->status != 200) return fail(read_refusal(response->status, response->body));
  return response;
}

Result<Json> BrokerClient::Parts::evidence_for(std::string_view nonce) const {
  const auto report_data = TRY(attest::report_data(kAdditionalEvidence, nonce, recipient.jwk()));
  Json body;
  body["init-data"] = nullptr;
  if (!initdata.empty()) body["init-data"] = {{"format", "toml"}, {"body", initdata}};
  body["runtime-data"] = {{"nonce", nonce}, {"tee-pubkey", recipient.jwk()}};
  Json& evidence = body["tee-evidence"];
  evidence["primary_evidence"] = TRY(provider.evidence(report_data));
  evidence["additional_evidence"] = kAdditionalEvidence;
  return body;
}

BrokerClient::BrokerClient(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
BrokerClient::~BrokerClient() = default;

Result<std::unique_ptr<BrokerClient>> BrokerClient::create(BrokerAddress address,
                                                           const tee::Provider& provider,
                                                           std::string initdata,
                                                           crypto::RandomSource& random,
                                                           const net::HttpCancel* cancel) {
  if (!address.manager.tls || address.trust == nullptr) {
    return fail(ErrorCode::invalid_argument,
                "manager: expected an https:// address and the certificate of its CA");
  }
  if (initdata.size() > attest::kInitdataBytesMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("measured configuration: {} bytes, more than the {} that may be",
                            initdata.size(), attest::kInitdataBytesMax));
  }
  auto key = TRY(crypto::P256PrivateKey::generate(random));
  const auto recipient = crypto::JweRecipient::of(key.public_key());
  std::optional<net::HttpCancel> own;
  if (cancel == nullptr) own = TRY(net::HttpCancel::create());
  std::string manager = address.manager.text();
  auto parts = std::make_unique<Parts>(Parts{.provider = provider,
                                             .initdata = std::move(initdata),
                                             .key = std::move(key),
                                             .recipient = recipient,
                                             .own_cancel = std::move(own),
                                             .cancel = cancel,
                                             .manager = std::move(manager),
                                             .http = net::HttpClient(address.manager)});
  if (parts->own_cancel) parts->cancel = &*parts->own_cancel;
  parts->http = net::HttpClient(std::move(address.manager), {.connect_timeout = kConnectTimeout,
                                                             .silence_timeout = kAnswerTimeout,
                                                             .cancel = parts->cancel,
                                                             .trust = std::move(address.trust)});
  return std::unique_ptr<BrokerClient>(new BrokerClient(std::move(parts)));
}

Result<> BrokerClient::attest() {
  parts_->token = {};
  // A manager that was started anew in between has forgotten the session; then from the beginning.
  for (int handshakes = 1;; ++handshakes) {
    auto token = parts_->shake_hands();
    if (token) {
      parts_->token = *std::move(token);
      return {};
    }
    const bool again = token.error().code() == ErrorCode::unauthenticated;
    if (!again || handshakes == kHandshakesMax) return fail(std::move(token).error());
  }
}

Result<BrokerToken> BrokerClient::Parts::shake_hands() {
  const Json request = {{"version", kVersion},
                        {"tee", provider.tee()},
                        {"extra-params", {{"supported-hash-algorithms", {"sha384"}}}}};
  const auto challenge = TRY_IN(call(post("/kbs/v0/auth", request)), "asking to attest");
  const std::string nonce = TRY(read_challenge(challenge.body));
  const std::string cookie = TRY(read_session_cookie(session_cookie_field(challenge)));
  const Json evidence = TRY_IN(evidence_for(nonce), "making evidence");
  const auto answer =
      TRY_IN(call(post("/kbs/v0/attest", evidence, {{"Cookie", cookie}})), "attesting");
  return read_token(answer.body);
}

// With the token; attests first when there is none, and again when it is not accepted any more.
Result<net::HttpResponse> BrokerClient::Parts::call_with_token(net::HttpRequest request,
                                                               BrokerClient& client) {
  for (int handshakes = 0;;) {
    if (token.text.empty()) {
      TRY(client.attest());
      ++handshakes;
    }
    net::HttpRequest one = request;
    one.fields.push_back({"Authorization", "Bearer " + token.text});
    auto answer = call(one);
    const bool again = !answer && answer.error().code() == ErrorCode::unauthenticated;
    if (!again || handshakes >= kHandshakesMax) return answer;
    token = {};
  }
}

Result<SecretBuffer> BrokerClient::resource(const keys::ResourcePath& path) {
  const std::string what = fmt::format("fetching {}", path.text());
  net::HttpRequest request;
  request.method = "GET";
  request.path = "/kbs/v0/resource/" + path.text();
  const auto answer = TRY_IN(parts_->call_with_token(std::move(request), *this), what);
  const Json message = TRY_IN(read_resource(answer.body), what);
  return TRY_IN(crypto::jwe_decrypt(message, parts_->key), what);
}

Result<std::int64_t> BrokerClient::lease(std::string_view app, std::string_view step,
                                         std::string_view instance, std::int64_t term,
                                         const keys::HeldCheckpoint& checkpoint) {
  const std::string what = "the lease of the service";
  const Json body = {{"step", step},
                     {"instance", instance},
                     {"term", term},
                     {"checkpoint", keys::to_json(checkpoint)}};
  const auto answer = TRY_IN(
      parts_->call_with_token(post(fmt::format("/kbs/v0/lease/{}", app), body), *this), what);
  return TRY_IN(read_lease(answer.body), what);
}

Result<crypto::Certificate> BrokerClient::certificate(std::string_view app,
                                                      const std::vector<std::string>& names,
                                                      std::int64_t life_s) {
  const std::string what = "a certificate for the REST interface";
  const ByteBuffer request = TRY_IN(crypto::make_certificate_request(parts_->key, names), what);
  const Json body = {{"csr", to_base64(request)}, {"life_s", life_s}};
  const auto answer = TRY_IN(
      parts_->call_with_token(post(fmt::format("/kbs/v0/certificate/{}", app), body), *this), what);
  auto certificate = TRY_IN(read_certificate(answer.body), what);
  if (!(certificate.key() == parts_->key.public_key())) {
    return fail(ErrorCode::not_authentic,
                fmt::format("{}: the manager's answer is for another key", what));
  }
  return certificate;
}

const crypto::P256PrivateKey& BrokerClient::key() const {
  return parts_->key;
}

std::int64_t BrokerClient::token_expires_s() const {
  return parts_->token.expires_s;
}

std::int64_t BrokerClient::token_life_s() const {
  const BrokerToken& token = parts_->token;
  return token.issued_s == 0 ? 0 : token.expires_s - token.issued_s;
}

const std::string& BrokerClient::token() const {
  return parts_->token.text;
}
std::string_view BrokerClient::tee() const {
  return parts_->provider.tee();
}
const std::string& BrokerClient::manager() const {
  return parts_->manager;
}
const net::HttpCancel& BrokerClient::cancel() const {
  return *parts_->cancel;
}

}  // namespace penstock::enroll
