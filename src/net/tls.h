// TLS 1.3 for the HTTP server and client (RFC 8446): no session tickets, no early data, no
// renegotiation. The only user of libssl.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "crypto/x509.h"

namespace penstock::net {

// What a server shows. Shared by its connections, immutable.
class TlsServerIdentity {
 public:
  // The certificate must be for the key's public part. Clients that want the CA get it beside.
  // `client_ca`: clients are asked for a certificate that it issued for clients (extendedKeyUsage);
  // none is taken, another one ends the handshake. Null: nobody is asked.
  static Result<std::shared_ptr<const TlsServerIdentity>> create(
      const crypto::Certificate& certificate, const crypto::P256PrivateKey& key,
      const crypto::Certificate* client_ca = nullptr);
  ~TlsServerIdentity();
  struct Parts;
  const Parts& parts() const { return *parts_; }

 private:
  explicit TlsServerIdentity(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Whom a client believes: certificates issued straight by one of these CAs whose names hold the
// host that was called. Nothing of the system's trust store. Immutable, shared.
class TlsTrust {
 public:
  // `own`: shown to servers that ask for one.
  struct Own {
    const crypto::Certificate& certificate;
    const crypto::P256PrivateKey& key;
  };
  static Result<std::shared_ptr<const TlsTrust>> create(const crypto::Certificate& ca,
                                                        const Own* own = nullptr) {
    return create(std::span(&ca, 1), own);
  }
  // A CA and the one that follows it, while the former is being replaced. invalid_argument: none,
  // or one that is no CA.
  static Result<std::shared_ptr<const TlsTrust>> create(std::span<const crypto::Certificate> cas,
                                                        const Own* own = nullptr);
  ~TlsTrust();
  struct Parts;
  const Parts& parts() const { return *parts_; }

 private:
  explicit TlsTrust(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::net
