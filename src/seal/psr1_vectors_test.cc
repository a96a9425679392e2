// Every vector of tests/vectors/psr1/psr1.json, both ways.
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/source_tree.h"
#include "crypto/aead.h"
#include "crypto/cose.h"
#include "seal/grant.h"
#include "seal/limits.h"
#include "seal/opener.h"
#include "seal/record_codec.h"
#include "seal/sealer.h"
#include "seal/sequence_guard.h"

namespace penstock::seal {
namespace {

Json vectors() {
  std::ifstream file(source_tree() / "tests/vectors/psr1/psr1.json");
  std::stringstream text;
  text << file.rdbuf();
  return parse_json(text.str(), "psr1.json").value();
}

ByteBuffer hex(const Json& object, const char* member) {
  return from_hex(object.at(member).get<std::string>()).value();
}

// A record's context; owns the key.
struct VectorContext {
  std::optional<ByteBuffer> key;
  std::optional<std::string> path;
  RecordContext context;

  explicit VectorContext(const Json& record) {
    if (!record.at("record_key").is_null()) {
      key = hex(record, "record_key");
      context.key = Slice::of(*key);
    }
    if (!record.at("timestamp_ms").is_null())
      context.timestamp_ms = record.at("timestamp_ms").get<std::int64_t>();
    if (record.contains("path") && !record.at("path").is_null()) {
      path = record.at("path").get<std::string>();
      context.path = *path;
    }
    if (!record.at("partition").is_null())
      context.partition = record.at("partition").get<std::int32_t>();
  }
};

class OneProducer final : public ProducerKeys {
 public:
  explicit OneProducer(crypto::P256PublicKey key) : key_(key) {}
  const crypto::P256PublicKey* find(ByteView thumbprint) const override {
    return std::ranges::equal(key_.thumbprint(), thumbprint) ? &key_ : nullptr;
  }

 private:
  crypto::P256PublicKey key_;
};

struct Fixture {
  Json document = vectors();
  crypto::P256PrivateKey producer =
      crypto::P256PrivateKey::from_scalar(hex(document, "producer_private")).value();
  crypto::P256PrivateKey reader =
      crypto::P256PrivateKey::from_scalar(hex(document, "policy_private")).value();

  // Under what the epoch's reader knows by itself.
  Result<OpenedGrant> open(const Json& epoch, ByteView grant) {
    EpochContext context = parse_context(hex(epoch, "context")).value();
    return open_grant(grant, OneProducer(producer.public_key()), reader,
                      {.topic = context.topic,
                       .policy_id = context.policy_id,
                       .policy_digest = context.policy_digest,
                       .schema_required = false,
                       .now_s = 1785000000});
  }
  OpenedGrant grant_of(const Json& epoch) {
    Result<OpenedGrant> opened = open(epoch, hex(epoch, "grant"));
    EXPECT_TRUE(opened.has_value()) << opened.error().text();
    return std::move(opened).value();
  }
};

// Opens with a known key, without grants.
OpenOutcome open_directly(const EpochKeys& keys, EpochId id, const RecordContext& context,
                          ByteView sealed, ByteBuffer& plaintext) {
  SealedRecord record;
  if (!parse_record(sealed, record)) return OpenOutcome::malformed;
  if (record.epoch != id) return OpenOutcome::unknown_epoch;
  AadMemory memory;
  ByteView aad = memory.write(context, record.protected_header.data());
  plaintext.resize(record.ciphertext.size() - crypto::kGcmTagBytes);
  crypto::Aes256Gcm aead(keys.key());
  Nonce nonce = Nonce(keys.base_iv()).with(context.partition, record.sequence);
  if (!aead.open(nonce.view(), aad, record.ciphertext, plaintext))
    return OpenOutcome::not_authentic;
  return plaintext[0] <= 3 ? OpenOutcome::ok : OpenOutcome::unknown_kind;
}

TEST(Psr1Vectors, ThumbprintsAreThoseOfTheKeys) {
  Fixture f;
  EXPECT_EQ(to_hex(f.producer.public_key().thumbprint()),
            f.document.at("producer_thumbprint").get<std::string>());
  EXPECT_EQ(to_hex(f.reader.public_key().thumbprint()),
            f.document.at("policy_key_thumbprint").get<std::string>());
}

TEST(Psr1Vectors, EpochKeysAreDerivedAsStated) {
  Fixture f;
  for (const Json& epoch : f.document.at("epochs")) {
    ByteBuffer context = hex(epoch, "context");
    EXPECT_EQ(encode_context(parse_context(context).value()), context);
    EpochKeys keys =
        EpochKeys::derive(hex(epoch, "secret"), epoch_id_from(hex(epoch, "epoch")).value(), context)
            .value();
    EXPECT_EQ(to_hex(keys.key()), epoch.at("key").get<std::string>());
    EXPECT_EQ(to_hex(keys.base_iv()), epoch.at("base_iv").get<std::string>());
    EXPECT_EQ(to_hex(keys.commit()), epoch.at("commit").get<std::string>());
  }
}

TEST(Psr1Vectors, GrantsOpenByTheStatedSteps) {
  Fixture f;
  for (const Json& epoch : f.document.at("epochs")) {
    OpenedGrant grant = f.grant_of(epoch);
    EXPECT_EQ(to_hex(to_bytes(grant.spec.epoch)), epoch.at("epoch").get<std::string>());
    EXPECT_EQ(to_hex(grant.keys.key()), epoch.at("key").get<std::string>());
    EXPECT_EQ(grant.spec.records_max, kEpochRecordsMax);

    crypto::CoseSign1 message = crypto::parse_sign1(hex(epoch, "grant")).value();
    ByteBuffer bytes = hex(epoch, "grant");
    message = crypto::parse_sign1(bytes).value();
    SecretBuffer plaintext = crypto::decrypt_with(message.payload, f.reader).value();
    EXPECT_EQ(to_hex(plaintext.view()), epoch.at("grant_plaintext").get<std::string>());
    EXPECT_EQ(to_hex(crypto::ecdh_es_a256kw_key(hex(epoch, "ecdh_z"), from_hex("a101381e").value())
                         .value()
                         .view()),
              epoch.at("kek").get<std::string>());
  }
}

TEST(Psr1Vectors, RecordsAreReproducedByteForByte) {
  Fixture f;
  for (const Json& epoch : f.document.at("epochs")) {
    OpenedGrant grant = f.grant_of(epoch);
    for (auto engine : {crypto::AeadEngine::best, crypto::AeadEngine::libcrypto}) {
      for (const Json& record : epoch.at("records")) {
        VectorContext context(record);
        EpochSealer sealer(grant.spec.epoch, grant.keys, engine,
                           {context.context.partition, record.at("seq").get<std::uint32_t>()});
        ByteBuffer sealed;
        ByteBuffer body = hex(record, "body");
        ASSERT_EQ(sealer.seal(context.context, static_cast<Kind>(record.at("kind").get<int>()),
                              body, sealed),
                  SealOutcome::ok);
        EXPECT_EQ(to_hex(sealed), record.at("sealed").get<std::string>());
        EXPECT_EQ(sealed.size() - body.size(), record.at("overhead").get<std::size_t>());
      }
    }
  }
}

TEST(Psr1Vectors, NonceAndAuthenticatedStructureAreAsStated) {
  Fixture f;
  for (const Json& epoch : f.document.at("epochs")) {
    OpenedGrant grant = f.grant_of(epoch);
    for (const Json& record : epoch.at("records")) {
      VectorContext context(record);
      ByteBuffer sealed = hex(record, "sealed");
      SealedRecord parsed;
      ASSERT_TRUE(parse_record(sealed, parsed));
      EXPECT_EQ(parsed.sequence, record.at("seq").get<std::uint32_t>());
      Nonce nonce = Nonce(grant.keys.base_iv()).with(context.context.partition, parsed.sequence);
      EXPECT_EQ(to_hex(nonce.view()), record.at("nonce").get<std::string>());
      AadMemory memory;
      EXPECT_EQ(to_hex(memory.write(context.context, parsed.protected_header.data())),
                record.at("enc_structure").get<std::string>());
      EXPECT_EQ(crypto::encode_encrypt0(parsed.protected_header, parsed.ciphertext), sealed);
    }
  }
}

TEST(Psr1Vectors, RecordsOpen) {
  Fixture f;
  for (const Json& epoch : f.document.at("epochs")) {
    OpenedGrant grant = f.grant_of(epoch);
    for (const Json& record : epoch.at("records")) {
      VectorContext context(record);
      ByteBuffer plaintext;
      ASSERT_EQ(open_directly(grant.keys, grant.spec.epoch, context.context, hex(record, "sealed"),
                              plaintext),
                OpenOutcome::ok);
      EXPECT_EQ(plaintext[0], record.at("kind").get<int>());
      EXPECT_EQ(to_hex(ByteView(plaintext).subspan(1)), record.at("body").get<std::string>());
    }
  }
}

TEST(Psr1Vectors, RefusedRecordsAreRefusedForTheirReason) {
  Fixture f;
  const std::map<std::string, OpenOutcome> outcomes = {
      {"other record key", OpenOutcome::not_authentic},
      {"other timestamp", OpenOutcome::not_authentic},
      {"other partition", OpenOutcome::not_authentic},
      {"no partition", OpenOutcome::not_authentic},
      {"external_aad of three members", OpenOutcome::not_authentic},
      {"tag bit flipped", OpenOutcome::not_authentic},
      {"sequence changed", OpenOutcome::not_authentic},
      {"unknown epoch", OpenOutcome::unknown_epoch},
      {"trailing byte", OpenOutcome::malformed},
      {"truncated", OpenOutcome::malformed},
      {"unprotected header not empty", OpenOutcome::malformed},
      {"unknown kind", OpenOutcome::unknown_kind},
      {"no kind byte", OpenOutcome::malformed}};
  std::size_t seen = 0;
  for (const Json& epoch : f.document.at("epochs")) {
    OpenedGrant grant = f.grant_of(epoch);
    for (const Json& refused : epoch.at("refused")) {
      VectorContext context(refused);
      ByteBuffer plaintext;
      std::string why = refused.at("why").get<std::string>();
      EXPECT_EQ(open_directly(grant.keys, grant.spec.epoch, context.context, hex(refused, "sealed"),
                              plaintext),
                outcomes.at(why))
          << why;
      ++seen;
    }
  }
  EXPECT_EQ(seen, 26u);
}

TEST(Psr1Vectors, RefusedGrantsAreRefusedForTheirReason) {
  Fixture f;
  const std::map<std::string, ErrorCode> codes = {
      {"signed by a stranger", ErrorCode::permission_denied},
      {"other commit", ErrorCode::not_authentic},
      {"other topic", ErrorCode::failed_precondition},
      {"last byte flipped", ErrorCode::not_authentic},
      {"trailing byte", ErrorCode::invalid_argument},
      {"no recipient of this policy", ErrorCode::permission_denied}};
  std::size_t seen = 0;
  for (const Json& epoch : f.document.at("epochs")) {
    for (const Json& refused : epoch.at("refused_grants")) {
      Result<OpenedGrant> opened = f.open(epoch, hex(refused, "grant"));
      std::string why = refused.at("why").get<std::string>();
      ASSERT_FALSE(opened.has_value()) << why;
      EXPECT_EQ(opened.error().code(), codes.at(why)) << why << ": " << opened.error().text();
      ++seen;
    }
  }
  EXPECT_EQ(seen, 12u);
}

// As the vectors write it: "ok", "replay", "gap 3", "head_gap 3".
std::string verdict(SequenceGuard& guard, std::uint32_t sequence) {
  OpenOutcome outcome = guard.admit(EpochName{}, sequence);
  std::vector<SequenceGuard::Gap> gaps = guard.take_gaps();
  if (outcome == OpenOutcome::replayed) return gaps.empty() ? "replay" : "replay and gap";
  if (outcome != OpenOutcome::ok) return std::string(reason_code(outcome));
  if (gaps.empty()) return "ok";
  return (gaps[0].head ? "head_gap " : "gap ") + std::to_string(gaps[0].missing);
}

TEST(Psr1Vectors, SequencesAreJudgedAsStated) {
  Fixture f;
  std::size_t seen = 0;
  for (const Json& scenario : f.document.at("sequences")) {
    SequenceGuard guard;
    std::vector<std::string> verdicts;
    for (const Json& sequence : scenario.at("seen"))
      verdicts.push_back(verdict(guard, sequence.get<std::uint32_t>()));
    EXPECT_EQ(verdicts, scenario.at("verdicts").get<std::vector<std::string>>());
    ++seen;
  }
  EXPECT_EQ(seen, 5u);
}

}  // namespace
}  // namespace penstock::seal
