// Every good set of real evidence with one byte changed, again and again: each change is refused,
// or changes neither the outcome nor a claim. By default each byte of small files, of headers and
// of lengths, and a seeded 1 in 50 of the rest; with PENSTOCK_LONG=1 every byte once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include "attest/facts.h"
#include "attest/test_vectors.h"

namespace penstock::attest {
namespace {

using ::testing::Contains;

constexpr std::size_t kEveryByteBelow = 300;  // of quotes and signatures of TPMs
constexpr std::size_t kHeadBytes = 64, kOneIn = 50, kOfPadding = 16;
constexpr unsigned kSeed = 14;

bool is_long() {
  const char* text = std::getenv("PENSTOCK_LONG");
  return text != nullptr && std::string_view(text) == "1";
}

// Bytes that nothing signs: a change of them must change no claim, but need not be refused.
struct Unsigned {
  std::string_view type, role;  // type "": of every kind
  std::string_view why;
};
constexpr Unsigned kUnsigned[] = {
    {"", "evidence", "PEM armour inside: line ends, comments, spare bits of base64"},
    {"azure-vtpm", "td_quote", "as of a quote"},
    {"", "tcb_info", "JSON around the signed member: space, case of hex"},
    {"", "qe_identity", "as of the TCB info"},
    {"", "tcb_signing_chain", "PEM armour"},
    {"", "cert_chain", "PEM armour"},
    {"", "ak_chain", "PEM armour"},
    {"", "ark", "PEM armour"},
    {"", "ask", "PEM armour"},
    {"", "asvk", "PEM armour"},
    {"", "ak", "PEM armour"},
    {"", "ak_public_area",
     "scheme and attributes that no rule asks for: its CA vouches for the key"},
    {"", "pcrs", "JSON: space, case of hex"},
    {"", "event_log",
     "data of events, which is a hint; digests of banks that were not quoted; padding"},
    {"azure-vtpm", "hcl_report", "header and areas around report and runtime data"},
};
std::string_view why_unsigned(std::string_view type, std::string_view role) {
  for (const Unsigned& each : kUnsigned)
    if ((each.type.empty() || each.type == type) && each.role == role) return each.why;
  return {};
}

// Where lengths and counts stand in Intel's quotes.
std::vector<std::size_t> length_fields(const VectorSet& set, const ByteBuffer& file) {
  std::vector<std::size_t> out;
  const auto add = [&](std::size_t at, std::size_t size) {
    for (std::size_t i = at; i < at + size && i < file.size(); ++i) out.push_back(i);
  };
  if (set.type == "sgx-quote") {
    add(432, 4);
    add(1012, 8);  // of the authentication data and the certificates
  } else if (set.type == "tdx-quote") {
    const std::size_t body =
        file.size() > 2 && file[0] == 5 ? 54 + file[50] + 256U * file[51] : 632;
    add(48, 6);
    add(body, 4);
    add(body + 132, 6);
    add(body + 4 + 128 + 6 + 448, 8);
  }
  return out;
}

std::vector<std::size_t> places(const VectorSet& set, const ByteBuffer& file) {
  std::vector<std::size_t> out;
  if (is_long() || file.size() <= kEveryByteBelow) {
    for (std::size_t i = 0; i < file.size(); ++i) out.push_back(i);
    return out;
  }
  for (std::size_t i = 0; i < std::min(kHeadBytes, file.size()); ++i) out.push_back(i);
  std::ranges::copy(length_fields(set, file), std::back_inserter(out));
  std::mt19937 random(kSeed);
  std::size_t end = file.size();  // of what is not padding
  while (end > kHeadBytes && file[end - 1] == file.back()) --end;
  for (std::size_t i = kHeadBytes; i < end; i += 1 + random() % (2 * kOneIn - 1)) out.push_back(i);
  for (std::size_t i = 0; i < kOfPadding && end < file.size(); ++i)
    out.push_back(end + random() % (file.size() - end));
  return out;
}

std::vector<std::string> sets_to_mutate() {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(vectors_folder(), ignored)) {
    if (entry.path().filename() != "expected.json") continue;
    const std::string id =
        entry.path().parent_path().lexically_relative(vectors_folder()).generic_string();
    const ByteBuffer text = file_bytes(entry.path());
    const Json document = Json::parse(as_text(text), nullptr, false);
    if (!document.is_object() || !document.contains("expect")) continue;
    const Json& expect = document.at("expect");
    const bool good = expect.at("outcome") == "accept" || expect.at("outcome") == "valid";
    if (good && !expect.at("inputs").empty() &&
        find_evidence_kind(expect.at("type").get<std::string>()) != nullptr)
      out.push_back(id);
  }
  std::ranges::sort(out);
  return out;
}

class Mutations : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    set_ = vector_set(GetParam());
    ASSERT_TRUE(set_);
    good_ = appraise(set_->files);
    ASSERT_TRUE(set_->accepts(good_));
  }

  // Facts are kept over all changes, so that none of them can lend its trust to another.
  Appraisal appraise(const EvidenceFiles& files) const {
    return set_->kind().appraise(files, {.expected = set_->expected,
                                         .anchors = set_->anchors,
                                         .collateral = nullptr,
                                         .facts = &facts_});
  }

  std::string changed_claim(const Appraisal& again) const {
    for (const auto& [name, value] : again.claims.items())
      if (!good_.claims.contains(name) || good_.claims.at(name) != value) return name;
    return again.trust == good_.trust ? "" : "trust";
  }

  struct Found {
    std::size_t harmless = 0;
    std::vector<std::string> wrong;
  };
  Found change(const std::string& role, std::size_t file, std::span<const std::size_t> at) const {
    Found out;
    EvidenceFiles changed = set_->files;
    ByteBuffer& bytes = changed.files.at(role).at(file);
    for (const std::size_t i : at) {
      std::mt19937 random(kSeed + static_cast<unsigned>(i));
      const auto bit = static_cast<std::uint8_t>(1U << random() % 8);
      bytes[i] ^= bit;
      const Appraisal again = appraise(changed);
      bytes[i] ^= bit;
      if (!set_->accepts(again)) continue;
      const std::string claim = changed_claim(again);
      if (claim.empty())
        ++out.harmless;
      else
        out.wrong.push_back(role + " byte " + std::to_string(i) + " changes " + claim);
    }
    return out;
  }

  // The same in as many threads as there are processors.
  Found change_all(const std::string& role, std::size_t file,
                   const std::vector<std::size_t>& at) const {
    const std::size_t count = std::max(1U, std::thread::hardware_concurrency());
    std::vector<Found> found(count);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < count; ++t)
      threads.emplace_back([&, t] {
        const std::size_t from = at.size() * t / count, to = at.size() * (t + 1) / count;
        found[t] = change(role, file, std::span(at).subspan(from, to - from));
      });
    for (std::thread& each : threads) each.join();
    Found out;
    for (Found& each : found) {
      out.harmless += each.harmless;
      std::ranges::move(each.wrong, std::back_inserter(out.wrong));
    }
    return out;
  }

  std::optional<VectorSet> set_;
  Appraisal good_;
  mutable FactCache facts_;
};

TEST_P(Mutations, NoChangedByteChangesWhatIsBelieved) {
  for (const auto& [role, files] : set_->files.files)
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::vector<std::size_t> at = places(*set_, files[i]);
      const Found found = change_all(role, i, at);
      for (const std::string& each : found.wrong) ADD_FAILURE() << each;
      const std::string_view why = why_unsigned(set_->type, role);
      EXPECT_TRUE(found.harmless == 0 || !why.empty())
          << role << ": " << found.harmless << " of " << at.size() << " changes were taken";
      if (is_long())
        std::cout << "mutations " << GetParam() << " " << role << ": " << at.size() << " changes, "
                  << at.size() - found.harmless << " refused, " << found.harmless << " harmless"
                  << (found.harmless == 0 ? "" : ": ") << (found.harmless == 0 ? "" : why) << "\n";
    }
}

TEST_P(Mutations, WhatIsCutShortIsNotBelieved) {
  for (const auto& [role, files] : set_->files.files)
    for (std::size_t i = 0; i < files.size(); ++i)
      for (std::size_t size = 0; size < files[i].size(); size += 1 + files[i].size() / 17) {
        EvidenceFiles changed = set_->files;
        changed.files.at(role).at(i).resize(size);
        const Appraisal again = appraise(changed);
        if (set_->accepts(again)) {
          EXPECT_EQ(changed_claim(again), "") << role << " of " << size;
        }
      }
}

INSTANTIATE_TEST_SUITE_P(Sets, Mutations, ::testing::ValuesIn(sets_to_mutate()),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name)
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           return name;
                         });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Mutations);  // a bare checkout has no evidence

}  // namespace
}  // namespace penstock::attest
