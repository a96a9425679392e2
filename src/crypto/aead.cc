#include "crypto/aead.h"

#include <climits>
#include <cstring>
#include <mutex>

#define NO_COMPAT_IMB_API_053  // names of OpenSSL's are macros there
#include <intel-ipsec-mb.h>
#include <openssl/err.h>

#include "base/check.h"
#include "crypto/openssl.h"

namespace penstock::crypto {

// libipsec-mb's direct functions work only on what they are given, so the pointers, once chosen for
// this processor, are shared by all threads; the manager that chose them is not needed after.
struct GcmFunctions {
  aes_gcm_enc_dec_t seal = nullptr;
  aes_gcm_enc_dec_t open = nullptr;
  aes_gcm_pre_t prepare = nullptr;
};

namespace {

GcmFunctions choose_functions() {
  GcmFunctions chosen;
  IMB_MGR* manager = alloc_mb_mgr(0);
  if (manager == nullptr) return chosen;
  IMB_ARCH arch = IMB_ARCH_NONE;
  init_mb_mgr_auto(manager, &arch);
  // The functions without AES-NI are slow and not of constant time.
  bool usable = imb_get_errno(manager) == 0 && arch != IMB_ARCH_NONE && arch != IMB_ARCH_NOAESNI;
  if (usable) chosen = {manager->gcm256_enc, manager->gcm256_dec, manager->gcm256_pre};
  free_mb_mgr(manager);
  return chosen;
}

// Null: none can be used on this processor.
const GcmFunctions* gcm_functions() {
  static const GcmFunctions functions = choose_functions();
  return functions.seal != nullptr ? &functions : nullptr;
}

// What lies in an Aes256Gcm's locked memory.
struct Schedule {
  alignas(64) gcm_key_data key;
  gcm_context_data scratch;
};

Schedule* schedule_of(SecretBuffer& memory) {
  return reinterpret_cast<Schedule*>(memory.span().data());
}
const Schedule* schedule_of(const SecretBuffer& memory) {
  return reinterpret_cast<const Schedule*>(memory.view().data());
}

const EVP_CIPHER* evp_cipher() {
  static const CipherPtr cipher(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  CHECK(cipher != nullptr);
  return cipher.get();
}

bool tags_equal(const std::uint8_t* a, const std::uint8_t* b) {
  std::uint64_t a_words[2], b_words[2];
  static_assert(sizeof a_words == kGcmTagBytes);
  std::memcpy(a_words, a, kGcmTagBytes);
  std::memcpy(b_words, b, kGcmTagBytes);
  return ((a_words[0] ^ b_words[0]) | (a_words[1] ^ b_words[1])) == 0;
}

}  // namespace

// A context per direction, keyed once.
struct Aes256Gcm::Evp {
  CipherContextPtr seal_context;
  CipherContextPtr open_context;
  std::mutex turn;  // of open_shared()

  static Result<std::unique_ptr<Evp>> create(ByteView key) {
    auto out = std::make_unique<Evp>();
    out->seal_context = TRY(keyed(key, 1));
    out->open_context = TRY(keyed(key, 0));
    return out;
  }

  static Result<CipherContextPtr> keyed(ByteView key, int encrypt) {
    CipherContextPtr context(EVP_CIPHER_CTX_new());
    if (!context ||
        EVP_CipherInit_ex(context.get(), evp_cipher(), nullptr, key.data(), nullptr, encrypt) != 1)
      return fail(openssl_error("AES-256-GCM"));
    return context;
  }

  // libcrypto takes lengths as int.
  static void begin(EVP_CIPHER_CTX* context, const std::uint8_t* nonce, ByteView aad) {
    CHECK(aad.size() <= INT_MAX);
    CHECK(EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce, -1) == 1);
    int size = 0;
    if (!aad.empty())
      CHECK(EVP_CipherUpdate(context, nullptr, &size, aad.data(), static_cast<int>(aad.size())) ==
            1);
  }

  void seal(const std::uint8_t* nonce, ByteView aad, ByteView plaintext, std::uint8_t* out) {
    CHECK(plaintext.size() <= INT_MAX);
    EVP_CIPHER_CTX* context = seal_context.get();
    begin(context, nonce, aad);
    int size = 0;
    if (!plaintext.empty())
      CHECK(EVP_CipherUpdate(context, out, &size, plaintext.data(),
                             static_cast<int>(plaintext.size())) == 1);
    std::uint8_t* tag = out + plaintext.size();
    CHECK(EVP_CipherFinal_ex(context, tag, &size) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kGcmTagBytes, tag) == 1);
  }

  bool open(const std::uint8_t* nonce, ByteView aad, ByteView sealed, ByteSpan out) {
    CHECK(sealed.size() <= INT_MAX);
    EVP_CIPHER_CTX* context = open_context.get();
    begin(context, nonce, aad);
    int size = 0;
    if (!out.empty())
      CHECK(EVP_CipherUpdate(context, out.data(), &size, sealed.data(),
                             static_cast<int>(out.size())) == 1);
    auto* tag = const_cast<std::uint8_t*>(sealed.data() + out.size());
    CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kGcmTagBytes, tag) == 1);
    std::uint8_t none = 0;
    if (EVP_CipherFinal_ex(context, &none, &size) == 1) return true;
    ERR_clear_error();
    return false;
  }
};

bool ipsec_mb_available() {
  return gcm_functions() != nullptr;
}

Result<GcmScratch> GcmScratch::create() {
  return GcmScratch(TRY(SecretBuffer::create(sizeof(gcm_context_data))));
}

Aes256Gcm::Aes256Gcm() = default;

Result<Aes256Gcm> Aes256Gcm::create(ByteView key, AeadEngine engine) {
  CHECK(key.size() == kGcmKeyBytes);
  Aes256Gcm out;
  if (engine != AeadEngine::libcrypto) out.direct_ = gcm_functions();
  CHECK(engine != AeadEngine::ipsec_mb || out.direct_ != nullptr);
  if (out.direct_ == nullptr) {
    out.evp_ = TRY(Evp::create(key));
    return out;
  }
  out.memory_ = TRY(SecretBuffer::create(sizeof(Schedule)));
  out.direct_->prepare(key.data(), &schedule_of(out.memory_)->key);
  return out;
}

Aes256Gcm::Aes256Gcm(ByteView key, AeadEngine engine) {
  Result<Aes256Gcm> made = create(key, engine);
  CHECK(made.has_value());
  *this = std::move(*made);
}

Aes256Gcm::~Aes256Gcm() = default;
Aes256Gcm::Aes256Gcm(Aes256Gcm&&) noexcept = default;
Aes256Gcm& Aes256Gcm::operator=(Aes256Gcm&&) noexcept = default;

void Aes256Gcm::seal_bytes(const std::uint8_t* nonce, ByteView aad, ByteView plaintext,
                           std::uint8_t* out) {
  if (direct_ == nullptr) [[unlikely]]
    return evp_->seal(nonce, aad, plaintext, out);
  Schedule* schedule = schedule_of(memory_);
  CHECK(schedule != nullptr);
  direct_->seal(&schedule->key, &schedule->scratch, out, plaintext.data(), plaintext.size(), nonce,
                aad.data(), aad.size(), out + plaintext.size(), kGcmTagBytes);
}

bool Aes256Gcm::open_bytes(const std::uint8_t* nonce, ByteView aad, ByteView sealed,
                           std::uint8_t* out, GcmScratch* scratch) const {
  const ByteSpan plaintext(out, sealed.size() - kGcmTagBytes);
  bool authentic = false;
  if (direct_ == nullptr) [[unlikely]] {
    std::unique_lock<std::mutex> turn;
    if (scratch != nullptr) turn = std::unique_lock(evp_->turn);
    authentic = evp_->open(nonce, aad, sealed, plaintext);
  } else {
    const Schedule* schedule = schedule_of(memory_);
    CHECK(schedule != nullptr);
    // Our own is ours alone: open() is no const member.
    auto* context = scratch != nullptr
                        ? reinterpret_cast<gcm_context_data*>(scratch->memory_.span().data())
                        : const_cast<gcm_context_data*>(&schedule->scratch);
    std::uint8_t tag[kGcmTagBytes];
    direct_->open(&schedule->key, context, out, sealed.data(), plaintext.size(), nonce, aad.data(),
                  aad.size(), tag, sizeof tag);
    authentic = tags_equal(tag, sealed.data() + plaintext.size());
    if (!authentic) [[unlikely]]
      wipe(tag);
  }
  if (!authentic) [[unlikely]]
    wipe(plaintext);
  return authentic;
}

}  // namespace penstock::crypto
