#include "net/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "net/limits.h"
#include "net/tls_session.h"

namespace penstock::net {
namespace {

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeBio {
  void operator()(BIO* bio) const { (void)BIO_free(bio); }
};
using X509Ptr = std::unique_ptr<X509, FreeX509>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;
using BioPtr = std::unique_ptr<BIO, FreeBio>;

// RFC 7301: a length before each name.
constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

std::unexpected<Error> refused(std::string_view doing) {
  const unsigned long number = ERR_get_error();
  const char* reason = number == 0 ? nullptr : ERR_reason_error_string(number);
  ERR_clear_error();
  return fail(ErrorCode::internal,
              fmt::format("{}: libssl refused ({})", doing, reason ? reason : "no reason given"));
}

int no_passphrase(char*, int, int, void*) {
  return -1;
}

X509Ptr x509_of(const crypto::Certificate& certificate) {
  const unsigned char* at = certificate.der().data();
  return X509Ptr(d2i_X509(nullptr, &at, static_cast<long>(certificate.der().size())));
}

KeyPtr key_of(const crypto::P256PrivateKey& key) {
  const Result<SecretBuffer> pem = key.to_pem();
  if (!pem) return nullptr;
  const BioPtr bio(BIO_new_mem_buf(pem->view().data(), static_cast<int>(pem->size())));
  if (!bio) return nullptr;
  return KeyPtr(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
}

// A peer that offers protocols but not ours is refused (RFC 7301, 3.2); one that offers none is
// taken to speak HTTP/1.1.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kHttp11, sizeof kHttp11, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// What both ends share.
TlsContextPtr make_context(const SSL_METHOD* method) {
  TlsContextPtr context(SSL_CTX_new(method));
  SSL_CTX* c = context.get();
  if (c == nullptr || SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(c, "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256") != 1 ||
      SSL_CTX_set1_groups_list(c, "X25519:P-256") != 1 ||
      SSL_CTX_set1_sigalgs_list(c, "ECDSA+SHA256") != 1) {
    return nullptr;
  }
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                          SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(c, 1);  // one system call for a record instead of two
  SSL_CTX_set_max_cert_list(c, static_cast<long>(kTlsCertificateBytesMax));
  return context;
}

Result<> show(SSL_CTX* context, const crypto::Certificate& certificate,
              const crypto::P256PrivateKey& key) {
  if (certificate.key() != key.public_key()) {
    return fail(ErrorCode::invalid_argument,
                "TLS identity: the certificate is for another key than the one given with it");
  }
  const X509Ptr x509 = x509_of(certificate);
  const KeyPtr pkey = key_of(key);
  if (!x509 || !pkey || SSL_CTX_use_certificate(context, x509.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, pkey.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return refused("making a TLS identity");
  }
  return {};
}

// The peer's certificate must come straight from this CA.
Result<> believe(SSL_CTX* context, const crypto::Certificate& ca) {
  if (!ca.is_ca()) {
    return fail(ErrorCode::invalid_argument,
                "TLS trust: the certificate is not that of a CA (basicConstraints)");
  }
  const X509Ptr x509 = x509_of(ca);
  if (!x509 || X509_STORE_add_cert(SSL_CTX_get_cert_store(context), x509.get()) != 1) {
    return refused("making TLS trust");
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_verify_depth(context, 0);  // the CA itself has issued it
  return {};
}

// Names the CA to clients, so that they know which certificate is meant.
Result<> ask_clients(SSL_CTX* context, const crypto::Certificate& ca) {
  TRY(believe(context, ca));
  const X509Ptr x509 = x509_of(ca);
  if (!x509 || SSL_CTX_add_client_CA(context, x509.get()) != 1) return refused("naming a CA");
  return {};
}

}  // namespace

void FreeTlsContext::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

TlsServerIdentity::TlsServerIdentity(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsServerIdentity::~TlsServerIdentity() = default;

Result<std::shared_ptr<const TlsServerIdentity>> TlsServerIdentity::create(
    const crypto::Certificate& certificate, const crypto::P256PrivateKey& key,
    const crypto::Certificate* client_ca) {
  TlsContextPtr context = make_context(TLS_server_method());
  if (!context || SSL_CTX_set_num_tickets(context.get(), 0) != 1 ||
      SSL_CTX_set_max_early_data(context.get(), 0) != 1) {
    return refused("making a TLS identity");
  }
  TRY(show(context.get(), certificate, key));
  if (client_ca != nullptr) TRY(ask_clients(context.get(), *client_ca));
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  auto parts = std::make_unique<Parts>(Parts{.context = std::move(context)});
  return std::shared_ptr<const TlsServerIdentity>(new TlsServerIdentity(std::move(parts)));
}

TlsTrust::TlsTrust(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsTrust::~TlsTrust() = default;

Result<std::shared_ptr<const TlsTrust>> TlsTrust::create(std::span<const crypto::Certificate> cas,
                                                         const Own* own) {
  if (cas.empty()) return fail(ErrorCode::invalid_argument, "TLS trust: no CA is given");
  TlsContextPtr context = make_context(TLS_client_method());
  if (!context ||
      // Zero is success here, unlike everywhere else.
      SSL_CTX_set_alpn_protos(context.get(), kHttp11, sizeof kHttp11) != 0) {
    return refused("making TLS trust");
  }
  for (const crypto::Certificate& ca : cas) TRY(believe(context.get(), ca));
  if (own != nullptr) TRY(show(context.get(), own->certificate, own->key));
  X509_VERIFY_PARAM_set_hostflags(
      SSL_CTX_get0_param(context.get()),
      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  auto parts = std::make_unique<Parts>(Parts{.context = std::move(context)});
  return std::shared_ptr<const TlsTrust>(new TlsTrust(std::move(parts)));
}

}  // namespace penstock::net
