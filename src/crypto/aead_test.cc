#include "crypto/aead.h"
#include "crypto/test_hex.h"

#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::crypto {
namespace {

std::vector<AeadEngine> engines() {
  std::vector<AeadEngine> out = {AeadEngine::libcrypto, AeadEngine::best};
  if (ipsec_mb_available()) out.push_back(AeadEngine::ipsec_mb);
  return out;
}

ByteBuffer random_bytes(std::mt19937& random, std::size_t size) {
  ByteBuffer out(size);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random());
  return out;
}

// Test cases 13 to 16 of the GCM specification (McGrew and Viega), all with 256-bit keys.
struct Known {
  std::string_view key, nonce, aad, plaintext, sealed;
};
constexpr std::string_view kLongKey =
    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
constexpr std::string_view kZeroKey =
    "0000000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view kLongPlaintext =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
const Known kKnown[] = {
    {kZeroKey, "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {kZeroKey, "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {kLongKey, "cafebabefacedbaddecaf888", "", kLongPlaintext,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
     "b094dac5d93471bdec1a502270e3cc6c"},
    {kLongKey, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     kLongPlaintext.substr(0, 120),
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST(Aes256Gcm, MeetsTheKnownAnswersOfTheSpecification) {
  for (AeadEngine engine : engines()) {
    for (const Known& known : kKnown) {
      Aes256Gcm aead(hex(known.key), engine);
      ByteBuffer plaintext = hex(known.plaintext), sealed(plaintext.size() + kGcmTagBytes);
      aead.seal(hex(known.nonce), hex(known.aad), plaintext, sealed);
      EXPECT_EQ(to_hex(sealed), known.sealed);
      ByteBuffer opened(plaintext.size());
      EXPECT_TRUE(aead.open(hex(known.nonce), hex(known.aad), sealed, opened));
      EXPECT_EQ(opened, plaintext);
    }
  }
}

TEST(Aes256Gcm, BothEnginesGiveEqualResultsForAllSizes) {
  if (!ipsec_mb_available()) GTEST_SKIP() << "this processor has no AES instructions";
  std::mt19937 random(42);
  for (std::size_t size = 0; size <= 1100; ++size) {
    ByteBuffer key = random_bytes(random, kGcmKeyBytes), nonce = random_bytes(random, 12);
    ByteBuffer aad = random_bytes(random, random() % 300);
    ByteBuffer plaintext = random_bytes(random, size), opened(size);
    ByteBuffer fast(size + kGcmTagBytes), slow(size + kGcmTagBytes);
    Aes256Gcm ipsec(key, AeadEngine::ipsec_mb), evp(key, AeadEngine::libcrypto);
    ipsec.seal(nonce, aad, plaintext, fast);
    evp.seal(nonce, aad, plaintext, slow);
    ASSERT_EQ(fast, slow) << size;
    ASSERT_TRUE(ipsec.open(nonce, aad, slow, opened));
    ASSERT_EQ(opened, plaintext);
    ASSERT_TRUE(evp.open(nonce, aad, fast, opened));
    ASSERT_EQ(opened, plaintext);
  }
}

TEST(Aes256Gcm, WorksInPlace) {
  for (AeadEngine engine : engines()) {
    Aes256Gcm aead(ByteBuffer(kGcmKeyBytes, 3), engine);
    ByteBuffer nonce(12, 1), text(300, 'x'), buffer = text;
    buffer.resize(text.size() + kGcmTagBytes);
    aead.seal(nonce, {}, ByteView(buffer).first(300), buffer);
    EXPECT_NE(ByteBuffer(buffer.begin(), buffer.begin() + 300), text);
    EXPECT_TRUE(aead.open(nonce, {}, buffer, ByteSpan(buffer).first(300)));
    EXPECT_EQ(ByteBuffer(buffer.begin(), buffer.begin() + 300), text);
  }
}

TEST(Aes256Gcm, RefusesEveryFlippedBitAndWipesTheOutput) {
  for (AeadEngine engine : engines()) {
    Aes256Gcm aead(ByteBuffer(kGcmKeyBytes, 3), engine);
    ByteBuffer nonce(12, 1), aad(20, 2), text(40, 'x'), sealed(text.size() + kGcmTagBytes);
    aead.seal(nonce, aad, text, sealed);
    ByteBuffer opened(text.size());
    for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
      ByteBuffer changed = sealed;
      changed[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
      opened.assign(text.size(), 0xee);
      ASSERT_FALSE(aead.open(nonce, aad, changed, opened)) << bit;
      ASSERT_EQ(opened, ByteBuffer(text.size(), 0)) << bit;
    }
    EXPECT_FALSE(aead.open(ByteBuffer(12, 2), aad, sealed, opened));
    EXPECT_FALSE(aead.open(nonce, {}, sealed, opened));
    EXPECT_FALSE(aead.open(nonce, aad, ByteView(sealed).first(15), {}));
    EXPECT_TRUE(aead.open(nonce, aad, sealed, opened));  // a refusal leaves nothing behind
  }
}

TEST(Aes256Gcm, ThreadsShareASchedule) {
  for (AeadEngine engine : engines()) {
    Aes256Gcm aead(ByteBuffer(kGcmKeyBytes, 3), engine);
    ByteBuffer nonce(kGcmNonceBytes, 1), plaintext(300, 7), sealed(300 + kGcmTagBytes);
    aead.seal(nonce, {}, plaintext, sealed);
    const Aes256Gcm& shared = aead;
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < 4; ++thread)
      threads.emplace_back([&, thread] {
        GcmScratch scratch = GcmScratch::create().value();
        ByteBuffer mine = sealed;
        if (thread == 0) mine.back() ^= 1;
        for (int i = 0; i < 2000; ++i) {
          ByteBuffer opened(plaintext.size());
          ASSERT_EQ(shared.open_shared(nonce, {}, mine, opened, scratch), thread != 0);
          ASSERT_EQ(opened == plaintext, thread != 0);
        }
      });
    for (std::thread& thread : threads) thread.join();
    GcmScratch scratch = GcmScratch::create().value();
    EXPECT_FALSE(shared.open_shared(nonce, {}, ByteView(sealed).first(3), {}, scratch));
  }
}

TEST(Aes256Gcm, MovesItsSchedule) {
  for (AeadEngine engine : engines()) {
    Aes256Gcm first(ByteBuffer(kGcmKeyBytes, 3), engine);
    ByteBuffer nonce(12, 1), a(kGcmTagBytes), b(kGcmTagBytes);
    first.seal(nonce, {}, {}, a);
    Aes256Gcm second = std::move(first);
    second.seal(nonce, {}, {}, b);
    EXPECT_EQ(a, b);
  }
}

// "name = value" lines of a NIST response file; a group ends with an empty line.
using Group = std::map<std::string, std::string>;
std::vector<Group> read_response_file(const std::string& path) {
  std::ifstream file(path);
  std::vector<Group> out;
  Group group;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.starts_with("Count")) group = {};
    if (line == "FAIL") group["FAIL"] = "";
    std::size_t mark = line.find(" =");
    if (mark != std::string::npos && line[0] != '[')
      group[line.substr(0, mark)] = line.size() > mark + 3 ? line.substr(mark + 3) : "";
    if (line.empty() && group.contains("Tag")) out.push_back(std::exchange(group, {}));
  }
  return out;
}

TEST(Aes256Gcm, MeetsTheNistResponseFile) {
  const char* folder = std::getenv("PENSTOCK_CRYPTOGRAPHY_VECTORS");
  if (folder == nullptr)
    GTEST_SKIP() << "PENSTOCK_CRYPTOGRAPHY_VECTORS does not name the folder of the PyPI package "
                    "cryptography_vectors";
  std::size_t opened_groups = 0, refused_groups = 0;
  for (Group& group :
       read_response_file(std::string(folder) + "/ciphers/AES/GCM/gcmDecrypt256.rsp")) {
    ByteBuffer nonce = hex(group["IV"]), sealed = hex(group["CT"]), tag = hex(group["Tag"]);
    if (nonce.size() != kGcmNonceBytes || tag.size() != kGcmTagBytes) continue;
    sealed.insert(sealed.end(), tag.begin(), tag.end());
    for (AeadEngine engine : engines()) {
      ByteBuffer opened(sealed.size() - kGcmTagBytes);
      bool authentic =
          Aes256Gcm(hex(group["Key"]), engine).open(nonce, hex(group["AAD"]), sealed, opened);
      ASSERT_EQ(authentic, !group.contains("FAIL"));
      if (authentic) {
        ASSERT_EQ(to_hex(opened), group["PT"]);
      }
    }
    ++(group.contains("FAIL") ? refused_groups : opened_groups);
  }
  EXPECT_GT(opened_groups, 100u);
  EXPECT_GT(refused_groups, 100u);
}

}  // namespace
}  // namespace penstock::crypto
