#include "seal/epoch_store.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "base/test_child.h"
#include "crypto/random.h"
#include "seal/keyring.h"
#include "seal/open_epoch.h"

namespace penstock::seal {
namespace {

#if defined(__has_feature)
constexpr bool kAddressSanitizer = __has_feature(address_sanitizer);
#else
constexpr bool kAddressSanitizer = false;
#endif

constexpr std::int64_t kStoreNowS = 1'800'000'000;

// The grants topic, in memory.
class StoredGrants final : public GrantSource {
 public:
  Result<ByteBuffer> fetch(GrantPlace place) override {
    ++fetches;
    if (broken) return fail(ErrorCode::unavailable, "the log is away");
    const ByteBuffer& bytes = grants.at(static_cast<std::size_t>(place.offset));
    if (bytes.empty()) return fail(ErrorCode::not_found, "no such grant");
    return bytes;
  }
  Result<> catch_up(std::chrono::steady_clock::time_point) override { return {}; }
  std::vector<ByteBuffer> grants;
  std::atomic<int> fetches = 0;
  bool broken = false;
};

struct StoreWorld {
  StoreWorld() : StoreWorld(EpochStoreOptions{}) {}
  explicit StoreWorld(EpochStoreOptions options) {
    for (int i = 0; i < 3; ++i)
      producers.push_back(crypto::P256PrivateKey::generate(crypto::system_random()).value());
    PolicySpec spec{.id = "p",
                    .topics = {"t"},
                    .readers = {reader.public_key()},
                    .producers = {producers[0].public_key(), producers[1].public_key()},
                    .not_after_s = kStoreNowS + 1000};
    policy = Policy::create(spec).value();
    EXPECT_TRUE(keys.add_policy(*policy));
    EXPECT_TRUE(keys.set_reader_key("p", reader.clone()));
    options.topic = "t";
    options.policy_id = "p";
    store = EpochStore::create(options, keys, source).value();
  }

  EpochName name(std::uint64_t epoch, std::size_t producer = 0) const {
    return {producers[producer].public_key().thumbprint(), EpochId(epoch)};
  }
  ByteBuffer grant(std::uint64_t epoch, std::size_t producer = 0,
                   std::int64_t not_after_s = kStoreNowS + 100) {
    ByteBuffer secret(kEpochSecretBytes);
    EXPECT_TRUE(crypto::system_random().fill(secret));
    GrantSpec spec{.epoch = EpochId(epoch),
                   .context = {.topic = "t",
                               .schema_reference = std::nullopt,
                               .producer = producers[producer].public_key().thumbprint(),
                               .policy_id = "p",
                               .policy_digest = policy->digest()},
                   .not_after_s = not_after_s,
                   .records_max = kEpochRecordsMax};
    return make_grant(spec, secret, *policy, producers[producer], crypto::system_random()).value();
  }
  GrantPlace put(ByteBuffer bytes) {
    source.grants.push_back(std::move(bytes));
    return {0, static_cast<std::int64_t>(source.grants.size()) - 1};
  }
  GrantPlace put(std::uint64_t epoch, ByteBuffer bytes, std::size_t producer = 0) {
    GrantPlace place = put(std::move(bytes));
    EXPECT_TRUE(store->add(to_bytes(name(epoch, producer)), place));
    return place;
  }
  std::vector<OpenEpochPtr> candidates(std::uint64_t epoch) {
    return store->candidates(EpochId(epoch), kStoreNowS).value();
  }

  crypto::P256PrivateKey reader = crypto::P256PrivateKey::generate(crypto::system_random()).value();
  std::vector<crypto::P256PrivateKey> producers;  // the policy does not name the last one
  std::optional<Policy> policy;
  KeyRing keys;
  StoredGrants source;
  std::unique_ptr<EpochStore> store;
};

TEST(EpochStore, VerifiesAGrantWhenItsFirstRecordComes) {
  StoreWorld w;
  for (std::uint64_t epoch = 0; epoch < 5; ++epoch) w.put(epoch, w.grant(epoch));
  EXPECT_EQ(w.source.fetches, 0);
  std::vector<OpenEpochPtr> found = w.candidates(3);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0]->name, w.name(3));
  EXPECT_EQ(w.candidates(3), found);
  EXPECT_EQ(w.source.fetches, 1);
  EXPECT_TRUE(w.candidates(99).empty());
  EXPECT_EQ(w.store->figures().grants, 5U);
}

TEST(EpochStore, KeepsTheCiphersUsedLast) {
  StoreWorld w({.ciphers_max = 3});
  for (std::uint64_t epoch = 0; epoch < 6; ++epoch) w.put(epoch, w.grant(epoch));
  OpenEpochPtr held = w.candidates(0).at(0);
  for (std::uint64_t epoch = 0; epoch < 6; ++epoch) {
    ASSERT_EQ(w.candidates(epoch).size(), 1U);
    ASSERT_EQ(w.candidates(0).size(), 1U);  // used again and again, so it stays
  }
  EXPECT_EQ(w.store->figures().ciphers, 3U);
  EXPECT_EQ(w.source.fetches, 6);
  EXPECT_EQ(w.candidates(1).at(0)->name, w.name(1));  // unwrapped again
  EXPECT_EQ(w.source.fetches, 7);
}

TEST(EpochStore, AFullTableIsAnErrorAndNothingIsDropped) {
  StoreWorld w({.grants_max = 2});
  w.put(1, w.grant(1));
  w.put(2, w.grant(2));
  Result<> added = w.store->add(to_bytes(w.name(3)), {0, 2});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code(), ErrorCode::limit_exceeded);
  EXPECT_EQ(w.candidates(1).size(), 1U);
}

TEST(EpochStore, RefusedGrantsNeitherShadowOthersNorAreVerifiedAgain) {
  StoreWorld w({.ciphers_max = 1});
  ByteBuffer broken = w.grant(1);
  broken.back() ^= 1;
  w.put(1, broken);
  w.put(1, w.grant(2));     // of another epoch than its key says
  w.put(1, w.grant(1, 1));  // by another producer than its key says
  w.put(1, w.grant(1));
  w.put(1, broken);
  w.put(1, ByteBuffer(kGrantBytesMax + 1));
  w.put(2, w.grant(2));
  ASSERT_EQ(w.candidates(1).size(), 1U);
  EXPECT_EQ(w.source.fetches, 6);
  EXPECT_EQ(w.store->figures().refused, 5U);
  EXPECT_EQ(w.store->figures().grants, 2U);
  ASSERT_EQ(w.candidates(2).size(), 1U);
  ASSERT_EQ(w.candidates(1).size(), 1U);  // had been pushed out
  EXPECT_EQ(w.source.fetches, 8);
}

TEST(EpochStore, AnIdMayBelongToSeveralProducers) {
  StoreWorld w({.ciphers_max = 1});
  w.put(1, w.grant(1));
  w.put(1, w.grant(1, 1), 1);
  for (int i = 0; i < 2; ++i) {
    std::vector<OpenEpochPtr> found = w.candidates(1);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0]->name, w.name(1, 0));
    EXPECT_EQ(found[1]->name, w.name(1, 1));
  }
}

TEST(EpochStore, OneNameHasOneSecretAndCopiesAreKeptOnce) {
  StoreWorld w({.ciphers_max = 1});
  ByteBuffer grant = w.grant(1);
  GrantPlace older = w.put(1, grant);
  w.put(1, w.grant(1));  // the same name, another secret
  w.put(1, grant);
  w.put(2, w.grant(2));
  ASSERT_EQ(w.candidates(1).size(), 1U);
  EXPECT_EQ(w.store->figures().grants, 2U);
  // Compaction takes the older one.
  w.source.grants[static_cast<std::size_t>(older.offset)].clear();
  ASSERT_EQ(w.candidates(2).size(), 1U);
  ASSERT_EQ(w.candidates(1).size(), 1U);
}

TEST(EpochStore, OtherKeysThanNamesOfItsProducersAreRefused) {
  StoreWorld w;
  EXPECT_EQ(w.store->add(to_bytes(EpochId(1)), {}).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(w.store->add({}, {}).error().code(), ErrorCode::invalid_argument);
  EXPECT_EQ(w.store->add(to_bytes(w.name(1, 2)), {}).error().code(), ErrorCode::permission_denied);
  EXPECT_EQ(w.store->figures().grants, 0U);
}

TEST(EpochStore, EndedEpochsOpenNothing) {
  StoreWorld w;
  w.put(1, w.grant(1));
  w.put(2, w.grant(2, 0, kStoreNowS + 5000));  // its policy ends before
  auto count = [&](std::uint64_t epoch, std::int64_t now_s) {
    return w.store->candidates(EpochId(epoch), now_s).value().size();
  };
  EXPECT_EQ(count(1, kStoreNowS + 101), 0U);
  EXPECT_EQ(count(1, kStoreNowS + 100), 1U);  // the clock was wrong
  EXPECT_EQ(count(1, kStoreNowS + 101), 0U);
  EXPECT_EQ(count(2, kStoreNowS + 1000), 1U);
  EXPECT_EQ(count(2, kStoreNowS + 1001), 0U);
  EXPECT_EQ(w.source.fetches, 2);
}

TEST(EpochStore, WhatCannotBeFetchedStopsAndIsTriedAgain) {
  StoreWorld w({.ciphers_max = 1});
  w.put(1, w.grant(1));
  w.put(2, w.grant(2));
  w.source.broken = true;
  EXPECT_EQ(w.store->candidates(EpochId(1), kStoreNowS).error().code(), ErrorCode::unavailable);
  w.source.broken = false;
  EXPECT_EQ(w.candidates(1).size(), 1U);
  EXPECT_EQ(w.candidates(2).size(), 1U);
  w.source.grants[0].back() ^= 1;  // after it had verified
  EXPECT_EQ(w.store->candidates(EpochId(1), kStoreNowS).error().code(), ErrorCode::corrupt);
  w.source.grants[0].clear();
  EXPECT_TRUE(w.candidates(1).empty());
}

TEST(EpochStore, IsSharedByThreads) {
  StoreWorld w({.ciphers_max = 8});
  constexpr std::uint64_t kEpochs = 40;
  ByteBuffer broken = w.grant(1);
  broken.back() ^= 1;
  for (std::uint64_t epoch = 0; epoch < kEpochs; ++epoch) {
    w.put(epoch, broken);
    w.put(epoch, w.grant(epoch));
    w.put(epoch, w.source.grants.back());
  }
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (std::uint64_t i = 0; i < 2 * kEpochs; ++i) {
        std::uint64_t epoch = (i + thread * 3) % kEpochs;
        std::vector<OpenEpochPtr> found = w.candidates(epoch);
        ASSERT_EQ(found.size(), 1U);
        ASSERT_EQ(found[0]->name.epoch, EpochId(epoch));
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(w.store->figures().grants, kEpochs);
  EXPECT_LE(w.store->figures().ciphers, 8U);
}

// In a child, since the limit stays when it fails.
TEST(EpochStore, DISABLED_WithoutMemoryForKeys) {
  StoreWorld w;
  w.put(1, w.grant(1));
  rlimit limit{.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
  std::vector<SecretBuffer> held;
  held.reserve(1 << 20);
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  for (std::size_t size : {4000, 1100, 200, 100, 50, 30})
    while (Result<SecretBuffer> one = SecretBuffer::create(size)) held.push_back(std::move(*one));
  Result<std::vector<OpenEpochPtr>> found = w.store->candidates(EpochId(1), kStoreNowS);
  limit.rlim_cur = RLIM_INFINITY;
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), ErrorCode::io) << found.error().text();
  EXPECT_EQ(w.candidates(1).size(), 1U);  // not held against the grant
}

TEST(EpochStore, NoMemoryForKeysIsAnError) {
  if (kAddressSanitizer) GTEST_SKIP() << "the sanitizer needs memory of its own";
  EXPECT_EQ(run_hidden_test("EpochStore.DISABLED_WithoutMemoryForKeys", {}), 0);
}

TEST(GrantTable, HoldsWhatAModelHolds) {
  std::mt19937_64 random(7);
  GrantTable table(10'000, random());
  std::multimap<std::uint64_t, std::int64_t> model;
  for (std::int64_t i = 0; i < 60'000; ++i) {
    std::uint64_t epoch = random() % 3000;
    if (random() % 2 == 0 && model.size() < 10'000) {
      ASSERT_TRUE(table.add(EpochId(epoch), 5, {3, i}));
      model.emplace(epoch, i);
    } else if (auto one = model.find(epoch); one != model.end()) {
      GrantTable::Index index = table.first(EpochId(epoch));
      while (table[index].offset != one->second) index = table[index].next;
      table.remove(index);
      model.erase(one);
    }
    if (i % 500 != 0) continue;
    for (std::uint64_t probe = 0; probe < 3000; ++probe) {
      std::multiset<std::int64_t> seen, expected;
      for (GrantTable::Index at = table.first(EpochId(probe)); at != GrantTable::kNone;
           at = table[at].next)
        seen.insert(table[at].offset);
      auto [from, to] = model.equal_range(probe);
      for (; from != to; ++from) expected.insert(from->second);
      ASSERT_EQ(seen, expected);
    }
  }
  EXPECT_EQ(table.size(), model.size());
}

TEST(GrantTable, TakesAtMostFortyBytesPerGrant) {
  GrantTable table(kGrantsMax, 1);
  for (std::uint64_t i = 0; i < 300'000; ++i) {
    ASSERT_TRUE(table.add(EpochId(i * 0x9e3779b97f4a7c15), 1, {0, static_cast<std::int64_t>(i)}));
    std::size_t grants = i + 1;
    ASSERT_LE(table.memory_bytes(), 100 + grants * 38);  // the deque's own are 2 at most
  }
}

}  // namespace
}  // namespace penstock::seal
