#include "crypto/path.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "crypto/limits.h"
#include "crypto/openssl.h"

namespace penstock::crypto {
namespace {

constexpr int kPathSecurityLevel = 2;  // at least 112 bits: refuses SHA-1 and small keys
constexpr int kPathDepthMax = 16;

struct Found {
  std::vector<ChainFault> faults;
};

std::string_view code_of(int reason) {
  switch (reason) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "not-yet-valid";
    case X509_V_ERR_CERT_REVOKED:
      return "revoked";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
      return "no-crl";
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
      return "crl-signature";
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
      return "collateral-expired";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "root";
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return "algorithm";
    default:
      return "chain";
  }
}

// The callback has no state of its own but what the context carries.
int gather(int good, X509_STORE_CTX* context) {
  if (good == 1) return 1;
  auto* found = static_cast<Found*>(X509_STORE_CTX_get_app_data(context));
  const int reason = X509_STORE_CTX_get_error(context);
  const int depth = X509_STORE_CTX_get_error_depth(context);
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
  // The anchor is trusted as it is: nobody's CRL speaks for it.
  const bool about_anchor = chain != nullptr && depth > 0 && depth + 1 == sk_X509_num(chain);
  if (about_anchor && (reason == X509_V_ERR_UNABLE_TO_GET_CRL)) return 1;
  if (found->faults.size() < 64)
    found->faults.push_back(
        {std::string(code_of(reason)), fmt::format("certificate {} of the path: {}", depth,
                                                   X509_verify_cert_error_string(reason))});
  if (reason == X509_V_ERR_CERT_SIGNATURE_FAILURE)
    found->faults.push_back({"signature", "a certificate's signature is not its issuer's"});
  return 1;  // go on: all rules run
}

void free_refs(STACK_OF(X509) * stack) {
  sk_X509_free(stack);  // not what is in it
}

}  // namespace

class Path {
 public:
  static X509* x509(const PkixCertificate& certificate) { return certificate.data_->x.get(); }
  static X509_CRL* crl(const Crl& crl) { return crl.data_->crl.get(); }
};

std::vector<ChainFault> check_path(const PathQuestion& question) {
  OpensslPtr<X509_STORE, X509_STORE_free> store(X509_STORE_new());
  OpensslPtr<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  OpensslPtr<STACK_OF(X509), free_refs> untrusted(sk_X509_new_null());
  Found found;
  const auto broken = [] {
    return std::vector<ChainFault>{{"chain", openssl_error("checking a path").text()}};
  };
  if (!store || !context || !untrusted) return broken();
  for (const PkixCertificate& each : question.anchors)
    if (X509_STORE_add_cert(store.get(), Path::x509(each)) != 1) return broken();
  for (const PkixCertificate& each : question.intermediates)
    if (sk_X509_push(untrusted.get(), Path::x509(each)) <= 0) return broken();
  for (const Crl& each : question.crls)
    if (X509_STORE_add_crl(store.get(), Path::crl(each)) != 1) return broken();
  if (X509_STORE_CTX_init(context.get(), store.get(), Path::x509(question.leaf), untrusted.get()) !=
      1)
    return broken();
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_POLICY_CHECK;
  if (question.check_crls)
    flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL | X509_V_FLAG_EXTENDED_CRL_SUPPORT |
             X509_V_FLAG_USE_DELTAS;
  if (!question.check_times) flags |= X509_V_FLAG_NO_CHECK_TIME;
  X509_VERIFY_PARAM_set_flags(param, flags);
  X509_VERIFY_PARAM_set_time(param, static_cast<std::time_t>(question.now_s));
  X509_VERIFY_PARAM_set_auth_level(param, kPathSecurityLevel);
  X509_VERIFY_PARAM_set_depth(param, kPathDepthMax);
  X509_STORE_CTX_set_app_data(context.get(), &found);
  X509_STORE_CTX_set_verify_cb(context.get(), gather);
  const int result = X509_verify_cert(context.get());
  ERR_clear_error();
  if (result != 1 && found.faults.empty())
    found.faults.push_back({"chain", "the path could not be checked"});
  if (question.anchors.empty()) found.faults.push_back({"root", "there is no anchor to end at"});
  return std::move(found.faults);
}

}  // namespace penstock::crypto
