// Owners of libcrypto's objects, for this module only. Success rule of the calls we make: 1 is
// success, anything else is not, and pointers are null on failure.
#pragma once

#include <memory>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/error.h"

namespace penstock::crypto {

template <auto free_function>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    free_function(object);
  }
};
template <typename T, auto free_function>
using OpensslPtr = std::unique_ptr<T, OpensslFree<free_function>>;

inline void free_bio(BIO* bio) {
  (void)BIO_free(bio);
}

using BioPtr = OpensslPtr<BIO, free_bio>;
using BignumPtr = OpensslPtr<BIGNUM, BN_clear_free>;
using CipherPtr = OpensslPtr<EVP_CIPHER, EVP_CIPHER_free>;
using CipherContextPtr = OpensslPtr<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using DigestContextPtr = OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free>;
using EcGroupPtr = OpensslPtr<EC_GROUP, EC_GROUP_free>;
using EcPointPtr = OpensslPtr<EC_POINT, EC_POINT_clear_free>;
using EcdsaSignaturePtr = OpensslPtr<ECDSA_SIG, ECDSA_SIG_free>;
using ParamBuilderPtr = OpensslPtr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using ParamsPtr = OpensslPtr<OSSL_PARAM, OSSL_PARAM_free>;
using PkeyPtr = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using PkeyContextPtr = OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using X509Ptr = OpensslPtr<X509, X509_free>;

// Implementations that are fetched once, for the whole life of the process. Any thread.
const EVP_MD* fetched_sha256();
const EVP_MD* fetched_sha384();
const EVP_MD* fetched_sha512();

// An `internal` error with libcrypto's own reason, whose queue is emptied.
Error openssl_error(std::string_view doing);

}  // namespace penstock::crypto
