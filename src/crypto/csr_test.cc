#include "crypto/csr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/limits.h"
#include "crypto/x509.h"

namespace penstock::crypto {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Made by openssl(1): the names DNS:Streams.Example, IP:10.1.2.3 and IP:::1, and a key usage.
constexpr char kForeignRequest[] =
    "MIIBHzCBxgIBADASMRAwDgYDVQQDDAdpZ25vcmVkMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdthOFcE7"
    "h5f95CuIk1DSgccGxqOXOn1bAnV4zq1LPRq7keTh9+aPy4UzxsLw/+8w8uUd7Nf5l8Oj7t36ZoNB4KBSMFAG"
    "CSqGSIb3DQEJDjFDMEEwMgYDVR0RBCswKYIPU3RyZWFtcy5FeGFtcGxlhwQKAQIDhxAAAAAAAAAAAAAAAAAA"
    "AAABMAsGA1UdDwQEAwIHgDAKBggqhkjOPQQDAgNIADBFAiEA0kk9WAbZjwWI98SizdlfyTkS+GXlgwHxXtnx"
    "oNKG92UCICfgyKV6MJw1cJgxO39p/8E5xlCVEi8zUY5/07akmFiR";
// With an e-mail address for a name, and of a P-384 key.
constexpr char kEmailRequest[] =
    "MIHxMIGXAgEAMAwxCjAIBgNVBAMMAXgwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR22E4VwTuHl/3kK4iT"
    "UNKBxwbGo5c6fVsCdXjOrUs9GruR5OH35o/LhTPGwvD/7zDy5R3s1/mXw6Pu3fpmg0HgoCkwJwYJKoZIhvcN"
    "AQkOMRowGDAWBgNVHREEDzANgQthQGIuZXhhbXBsZTAKBggqhkjOPQQDAgNJADBGAiEA2h2ny4BnV/vbCbb5"
    "gHESqVI1JyO1aNgS58vB/7BPKwkCIQDeaSkc6Rum7XO8pepj9v3Df6M7+tQvggfiYpIwUhcPJA==";
constexpr char kP384Request[] =
    "MIIBBDCBiwIBADAMMQowCAYDVQQDDAF4MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEm4BLbKSzPETQ/MJ+xWqq"
    "f/EHjZl40Kxi3HDdwDiP2B2KCJrDaKUjePBT+cPvOvqMMkpcrvEWTPJQYzjHvhDIklBTcrenBG6MXIrjPqdL"
    "bBO8y5/Hx3NjIN1+dHlpt8dYoAAwCgYIKoZIzj0EAwIDaAAwZQIxANdha7iais0eGy3j2FKgSLgjj4iFsARq"
    "g9EgI9y9LYGVSa7K5En5PSndCtVTvEfC/gIwbM9s28yKxtOnotvZ4sw450hbJCisi9z7JR1/9GiUSjvXZJz3"
    "UvMaOKuLVCf/HIFR";

P256PrivateKey request_key() {
  return P256PrivateKey::generate(system_random()).value();
}

TEST(CertificateRequest, ReadsWhatAnotherImplementationWrote) {
  const auto request = read_certificate_request(from_base64(kForeignRequest).value());
  ASSERT_TRUE(request) << request.error().text();
  EXPECT_THAT(request->names, ElementsAre("streams.example", "10.1.2.3", "::1"));
}

TEST(CertificateRequest, WhatItWritesItReads) {
  const auto key = request_key();
  const auto der = make_certificate_request(key, {"streams.example", "::1"});
  ASSERT_TRUE(der) << der.error().text();
  const auto request = read_certificate_request(*der);
  ASSERT_TRUE(request) << request.error().text();
  EXPECT_EQ(request->key, key.public_key());
  EXPECT_THAT(request->names, ElementsAre("streams.example", "::1"));
  EXPECT_THAT(read_certificate_request(make_certificate_request(key, {}).value()).value().names,
              IsEmpty());
  EXPECT_FALSE(make_certificate_request(key, {"*.example"}));
}

TEST(CertificateRequest, RefusesOtherKeysNamesAndSizes) {
  for (const char* text : {kEmailRequest, kP384Request}) {
    const auto request = read_certificate_request(from_base64(text).value());
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().code(), ErrorCode::invalid_argument);
  }
  EXPECT_EQ(read_certificate_request(ByteBuffer(kCertificateRequestBytesMax + 1)).error().code(),
            ErrorCode::limit_exceeded);
  EXPECT_FALSE(read_certificate_request({}));
}

TEST(CertificateRequest, AnyChangedByteIsRefused) {
  const ByteBuffer good = make_certificate_request(request_key(), {"localhost"}).value();
  for (std::size_t i = 0; i < good.size(); ++i) {
    ByteBuffer bad = good;
    bad[i] ^= 1;
    EXPECT_FALSE(read_certificate_request(bad)) << i;
  }
}

TEST(CertificateName, HasOneForm) {
  EXPECT_EQ(canonical_certificate_name("Streams.Example").value(), "streams.example");
  EXPECT_EQ(canonical_certificate_name("0:0:0:0:0:0:0:1").value(), "::1");
  EXPECT_EQ(canonical_certificate_name("10.0.0.1").value(), "10.0.0.1");
  for (const char* bad : {"", "*.example", "a b", "10.0.0.1/8", "-a", "a..b"})
    EXPECT_FALSE(canonical_certificate_name(bad)) << bad;
}

}  // namespace
}  // namespace penstock::crypto
