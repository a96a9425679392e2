#include "net/tls_session.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "net/limits.h"

namespace penstock::net {
namespace {

struct FreeText {
  void operator()(unsigned char* text) const { OPENSSL_free(text); }
};
struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// What libssl reads and writes through.
struct Wire {
  int socket = -1;
  std::size_t budget = 0;         // bytes that one step may still take from the socket
  bool ready = false;             // the handshake is over
  std::size_t late_messages = 0;  // of the handshake protocol, behind it
  bool ended = false;             // the peer has closed
  int problem = 0;                // errno of the last failure
};

Wire& wire_of(BIO* bio) {
  return *static_cast<Wire*>(BIO_get_data(bio));
}

int wire_read(BIO* bio, char* into, std::size_t size, std::size_t* got) {
  Wire& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  *got = 0;
  if (wire.late_messages > kTlsLateMessagesMax) {
    wire.problem = EPROTO;
    return 0;
  }
  // A peer may send without end what gives no data (key updates). Pretending that nothing is there
  // lets the thread see to others; the socket is still readable.
  if (wire.budget == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  const ssize_t n = recv(wire.socket, into, std::min(size, wire.budget), 0);
  if (n > 0) {
    *got = static_cast<std::size_t>(n);
    wire.budget -= *got;
    return 1;
  }
  if (n == 0) {
    wire.ended = true;
  } else if (would_block(errno)) {
    BIO_set_retry_read(bio);
  } else {
    wire.problem = errno;
  }
  return 0;
}

// Key updates cost the peer that sends them far less than the one that follows them.
void count_message(int written, int, int type, const void*, std::size_t, SSL*, void* argument) {
  Wire& wire = *static_cast<Wire*>(argument);
  if (written == 0 && type == SSL3_RT_HANDSHAKE && wire.ready) ++wire.late_messages;
}

// libssl's own socket BIO would raise SIGPIPE.
int wire_write(BIO* bio, const char* from, std::size_t size, std::size_t* put) {
  Wire& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  *put = 0;
  const ssize_t n = send(wire.socket, from, size, MSG_NOSIGNAL);
  if (n >= 0) {
    *put = static_cast<std::size_t>(n);
    return 1;
  }
  if (would_block(errno)) {
    BIO_set_retry_write(bio);
  } else {
    wire.problem = errno;
  }
  return 0;
}

long wire_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return wire_of(bio).ended ? 1 : 0;
  return 0;
}

const BIO_METHOD* wire_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "penstock socket");
    CHECK(made != nullptr);
    CHECK(BIO_meth_set_read_ex(made, wire_read) == 1);
    CHECK(BIO_meth_set_write_ex(made, wire_write) == 1);
    CHECK(BIO_meth_set_ctrl(made, wire_control) == 1);
    return made;
  }();
  return method;
}

std::string certificate_problem(long verdict) {
  switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "shows a certificate that is for another name than the one that was called";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "shows a certificate that has expired (or the clock here is wrong)";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "shows a certificate that is not valid yet (or the clock here is wrong)";
    case X509_V_ERR_INVALID_PURPOSE:
      return "shows a certificate that is not for servers";
    default:
      return fmt::format(
          "shows a certificate that the expected CA did not issue ({}); another server may have "
          "taken its place, or the CA's certificate given here is an old one",
          X509_verify_cert_error_string(verdict));
  }
}

// Certificates for clients must not pass for servers, nor the other way round, so the extension is
// demanded.
bool is_for(X509* certificate, std::uint32_t use) {
  if (certificate == nullptr) return false;
  const std::uint32_t uses = X509_get_extended_key_usage(certificate);
  return uses != UINT32_MAX && (uses & use) != 0;
}

// Empty: none, or one that is no text.
std::string common_name(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  const ASN1_STRING* name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, name);
  if (size < 0) {
    ERR_clear_error();
    return {};
  }
  const std::unique_ptr<unsigned char, FreeText> owned(text);
  std::string out(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  return out.find('\0') == std::string::npos ? out : std::string();
}

}  // namespace

struct TlsSession::Parts {
  Wire wire;  // outlives the BIO that points to it
  std::unique_ptr<SSL, FreeSsl> ssl;
  bool client = false;
  std::string client_name;   // of whom we serve
  unsigned long reason = 0;  // libssl's
  long verdict = X509_V_OK;  // on the peer's certificate
};

TlsSession::TlsSession(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsSession::~TlsSession() = default;

Result<std::unique_ptr<TlsSession>> TlsSession::create(ssl_ctx_st* context, int socket) {
  auto parts = std::make_unique<Parts>();
  parts->wire.socket = socket;
  parts->ssl.reset(SSL_new(context));
  BIO* bio = parts->ssl ? BIO_new(wire_method()) : nullptr;
  if (bio == nullptr) {
    ERR_clear_error();
    return fail(ErrorCode::internal, "TLS: libssl makes no session");
  }
  BIO_set_data(bio, &parts->wire);
  BIO_set_init(bio, 1);
  SSL_set_msg_callback(parts->ssl.get(), count_message);
  SSL_set_msg_callback_arg(parts->ssl.get(), &parts->wire);
  SSL_set_bio(parts->ssl.get(), bio, bio);  // takes it
  return std::unique_ptr<TlsSession>(new TlsSession(std::move(parts)));
}

Result<std::unique_ptr<TlsSession>> TlsSession::accept(const TlsServerIdentity& identity,
                                                       int socket) {
  auto session = TRY(create(identity.parts().context.get(), socket));
  SSL_set_accept_state(session->parts_->ssl.get());
  return session;
}

Result<std::unique_ptr<TlsSession>> TlsSession::connect(const TlsTrust& trust,
                                                        std::string_view host, int socket) {
  // An empty name would switch the check off.
  if (host.empty() || host.find('\0') != std::string_view::npos) {
    return fail(ErrorCode::invalid_argument, "TLS: the server's name is empty or malformed");
  }
  auto session = TRY(create(trust.parts().context.get(), socket));
  SSL* ssl = session->parts_->ssl.get();
  session->parts_->client = true;
  const std::string name(host);
  X509_VERIFY_PARAM* checks = SSL_get0_param(ssl);
  const bool is_ip = X509_VERIFY_PARAM_set1_ip_asc(checks, name.c_str()) == 1;
  if (!is_ip && (X509_VERIFY_PARAM_set1_host(checks, name.data(), name.size()) != 1 ||
                 SSL_set_tlsext_host_name(ssl, name.c_str()) != 1)) {
    ERR_clear_error();
    return fail(ErrorCode::invalid_argument, fmt::format("TLS: '{}' is not a host name", name));
  }
  ERR_clear_error();
  SSL_set_connect_state(ssl);
  return session;
}

TlsSession::Step TlsSession::handshake() {
  Parts& p = *parts_;
  ERR_clear_error();
  p.wire.budget = kTlsStepBytesMax;
  const Step step = step_of(SSL_do_handshake(p.ssl.get()), 0);
  if (step.want != Want::nothing) return step;
  X509* shown = SSL_get0_peer_certificate(p.ssl.get());
  const bool fits =
      p.client ? is_for(shown, XKU_SSL_SERVER) : shown == nullptr || is_for(shown, XKU_SSL_CLIENT);
  if (!fits) {
    p.verdict = X509_V_ERR_INVALID_PURPOSE;
    return {.want = Want::failed};
  }
  if (!p.client && shown != nullptr) p.client_name = common_name(shown);
  p.wire.ready = true;
  return step;
}

TlsSession::Step TlsSession::read(std::span<char> into) {
  Parts& p = *parts_;
  CHECK(p.wire.ready);
  ERR_clear_error();
  p.wire.budget = kTlsStepBytesMax;
  std::size_t bytes = 0;
  const int result = SSL_read_ex(p.ssl.get(), into.data(), into.size(), &bytes);
  return step_of(result, bytes);
}

TlsSession::Step TlsSession::write(std::string_view bytes) {
  Parts& p = *parts_;
  CHECK(p.wire.ready);
  ERR_clear_error();
  p.wire.budget = kTlsStepBytesMax;
  std::size_t put = 0;
  const int result = SSL_write_ex(p.ssl.get(), bytes.data(), bytes.size(), &put);
  return step_of(result, put);
}

TlsSession::Step TlsSession::end_writing() {
  Parts& p = *parts_;
  CHECK(p.wire.ready);
  ERR_clear_error();
  const int result = SSL_shutdown(p.ssl.get());
  // 0: ours is sent, the peer's has not come.
  return result >= 0 ? Step{} : step_of(result, 0);
}

TlsSession::Step TlsSession::step_of(int result, std::size_t bytes) {
  Parts& p = *parts_;
  if (result > 0) return {.want = Want::nothing, .bytes = bytes};
  switch (SSL_get_error(p.ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {.want = Want::read};
    case SSL_ERROR_WANT_WRITE:
      return {.want = Want::write};
    case SSL_ERROR_ZERO_RETURN:
      return {.want = Want::closed};
    default:
      break;
  }
  p.reason = ERR_peek_error();
  if (p.client && !p.wire.ready) p.verdict = SSL_get_verify_result(p.ssl.get());
  ERR_clear_error();
  return {.want = Want::failed};
}

Error TlsSession::failure() const {
  const Parts& p = *parts_;
  if (p.verdict != X509_V_OK) {
    return Error(ErrorCode::unauthenticated, certificate_problem(p.verdict));
  }
  const auto because = [&](std::string_view text) {
    return Error(ErrorCode::unavailable, fmt::format("TLS: {}", text));
  };
  if (p.wire.problem != 0) return because(std::strerror(p.wire.problem));
  if (p.wire.ended) {
    return because(p.wire.ready ? "the connection was cut"
                                : "the peer closed during the handshake; does it speak TLS there?");
  }
  switch (ERR_GET_REASON(p.reason)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
      return because("the peer does not speak TLS there; is http:// meant?");
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return because("the peer does not speak version 1.3, the only one that is taken");
    default:
      break;
  }
  const char* text = p.reason == 0 ? nullptr : ERR_reason_error_string(p.reason);
  return because(fmt::format("{} failed ({})", p.wire.ready ? "the connection" : "the handshake",
                             text ? text : "no reason given"));
}

const std::string& TlsSession::client_name() const {
  return parts_->client_name;
}

ByteBuffer TlsSession::exporter(std::string_view label, ByteView context) const {
  if (!parts_->wire.ready) return {};
  ByteBuffer out(kTlsExporterBytes);
  if (SSL_export_keying_material(parts_->ssl.get(), out.data(), out.size(), label.data(),
                                 label.size(), context.data(), context.size(), 1) != 1) {
    ERR_clear_error();
    return {};
  }
  return out;
}

}  // namespace penstock::net
