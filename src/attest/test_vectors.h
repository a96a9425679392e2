// Real evidence beside the project (../shared/vectors), for tests; absent in a bare checkout.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "attest/rfc3339.h"
#include "base/check.h"
#include "base/source_tree.h"

namespace penstock::attest {

inline std::filesystem::path vectors_folder() {
  return source_tree() / "../shared/vectors";
}

inline ByteBuffer file_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return ByteBuffer(std::istreambuf_iterator<char>(in), {});
}

// A set as its expected.json says, with what it may tolerate and lack.
struct VectorSet {
  std::string id, type, outcome;
  EvidenceFiles files;
  Expectations expected;
  std::vector<std::string> absent;
  Anchors anchors;

  const EvidenceKind& kind() const {
    const EvidenceKind* found = find_evidence_kind(type);
    CHECK(found != nullptr);
    return *found;
  }
  Appraisal appraise() const { return kind().appraise(files, {expected, anchors}); }
  Appraisal appraise(const EvidenceFiles& other) const {
    return kind().appraise(other, {expected, anchors});
  }
  // As the command decides: nothing failed, and what was not checked may be absent.
  bool accepts(const Appraisal& appraisal) const {
    for (const RuleOutcome& rule : appraisal.rules) {
      if (rule.result == RuleResult::fail) return false;
      if (rule.result != RuleResult::not_checked) continue;
      bool excused = false;
      for (const std::string& role : absent)
        excused = excused || rule.seen.find(role) != std::string::npos;
      if (!excused) return false;
    }
    return !appraisal.rules.empty();
  }
};

inline std::optional<VectorSet> vector_set(const std::string& id) {
  const std::filesystem::path folder = vectors_folder() / id;
  const ByteBuffer text = file_bytes(folder / "expected.json");
  if (text.empty()) return std::nullopt;
  const Json expect = Json::parse(as_text(text)).at("expect");
  VectorSet out;
  out.id = id;
  out.type = expect.at("type").get<std::string>();
  out.outcome = expect.at("outcome").get<std::string>();
  out.expected.unbound = true;
  if (expect.at("ask") == "signature") out.expected.ask = Ask::signature;
  out.expected.any_time = expect.at("at").is_null();
  if (expect.at("at").is_string())
    out.expected.now_s = *parse_rfc3339(expect.at("at").get<std::string>());
  if (expect.at("nonce").is_string())
    out.expected.nonce = *from_hex(expect.at("nonce").get<std::string>());
  out.expected.tolerated_tcb = expect.at("tolerate").get<std::vector<std::string>>();
  out.absent = expect.at("absent").get<std::vector<std::string>>();
  const Json formats = expect.value("formats", Json::object());
  for (const auto& [role, form] : formats.items()) out.files.formats[role] = form;
  for (const auto& [role, value] : expect.at("inputs").items()) {
    const Json list = value.is_array() ? value : Json::array({value});
    for (const Json& file : list)
      out.files.files[role].push_back(file_bytes(folder / file.get<std::string>()));
  }
  if (const std::string first = expect.at("anchors").at(0); first != "builtin") {
    const std::vector<ByteBuffer> anchors(1, file_bytes(folder / first));
    if (anchors_replaceable()) {
      CHECK(replace_anchors(out.anchors, anchors).has_value());
    } else if (const auto root = crypto::PkixCertificate::from_der(anchors[0]); root) {
      out.anchors.named.push_back({.pki = Pki::tpm, .anchor = anchor_of(*root)});
    }
  }
  return out;
}

}  // namespace penstock::attest
