// The key broker's client: protocol 0.4 over https, one session at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/random.h"
#include "crypto/x509.h"
#include "keys/held_checkpoint.h"
#include "keys/resource.h"
#include "net/http_client.h"
#include "net/tls.h"
#include "tee/provider.h"

namespace penstock::enroll {

struct BrokerAddress {
  net::HttpAddress manager;                    // https
  std::shared_ptr<const net::TlsTrust> trust;  // its pinned CA
};

// Errors of attest() and resource():
//   permission_denied: the evidence or its owner's policy was judged and says no; the text has the
//     code and the rule's name, which is all that guests get to know
//   unauthenticated: session or token are not accepted, or another version is spoken
//   not_authentic: the manager's certificate is not of the pinned CA, or its answer was changed
//   not_found: no such resource; unavailable, timeout: nobody answers; cancelled
// One thread at a time.
class BrokerClient {
 public:
  // Outlived by all it is given. A key pair is made here and never leaves.
  static Result<std::unique_ptr<BrokerClient>> create(
      BrokerAddress address, const tee::Provider& provider,
      std::string initdata,  // "" : none
      crypto::RandomSource& random,
      const net::HttpCancel* cancel);  // may be null
  ~BrokerClient();

  // auth + attest: a fresh nonce, evidence over nonce and key, a token.
  Result<> attest();
  std::int64_t token_expires_s() const;  // 0: none
  std::int64_t token_life_s() const;     // by the manager's clock: from its issue to its end
  const std::string& token() const;
  std::string_view tee() const;
  const std::string& manager() const;     // "127.0.0.1:7443", for logs
  const net::HttpCancel& cancel() const;  // the one of create, or one of its own; any thread

  // Attests again by itself when the token has expired (401), three times at most.
  Result<SecretBuffer> resource(const keys::ResourcePath& path);

  // A certificate of the manager's workload CA for the attested key (key()), which signs the
  // request, for names of the measured configuration. It ends within `life_s` seconds. Attests
  // again as above. not_authentic too: it is for another key.
  Result<crypto::Certificate> certificate(std::string_view app,
                                          const std::vector<std::string>& names,
                                          std::int64_t life_s);
  const crypto::P256PrivateKey& key() const;  // lives as long as this

  // The lease of the app's service that the measured configuration names; its term. `step`:
  // "start", "renew" or "stop". fenced: another process has it; failed_precondition: the checkpoint
  // is behind what the manager holds. Attests again as above.
  Result<std::int64_t> lease(std::string_view app, std::string_view step, std::string_view instance,
                             std::int64_t term, const keys::HeldCheckpoint& checkpoint);

 private:
  struct Parts;
  explicit BrokerClient(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::enroll
