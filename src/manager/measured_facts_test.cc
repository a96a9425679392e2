#include "manager/measured_facts.h"

#include <gtest/gtest.h>

#include "attest/initdata.h"
#include "attest/limits.h"
#include "base/test_folder.h"

namespace penstock::manager {
namespace {

std::string packed(const std::string& algorithm_line, const std::string& server) {
  return "version = \"0.1.0\"\n" + algorithm_line + "\n[data]\n\"penstock.toml\" = '''\n" + server +
         "'''\n";
}

TEST(MeasuredFacts, TheDigestNeedsNoParserAndIsTheSame) {
  for (const char* line : {"algorithm = \"sha256\"", "algorithm=\"sha-384\"",
                           "  algorithm = 'sha512'", "\"algorithm\" = \"sha384\" # note"}) {
    const std::string text = packed(line, "service_id = \"pay\"\n");
    EXPECT_EQ(must(unparsed_digest(text)), must(attest::initdata_digest(text))) << line;
    EXPECT_EQ(must(measured_facts(text)).service, "pay") << line;
  }
}

TEST(MeasuredFacts, GarbageCostsNoParsing) {
  std::string headings = "version = \"0.1.0\"\nalgorithm = \"sha256\"\n";
  while (headings.size() < 60'000) headings += "[a.b.c.d.e.f.g.h]\n";
  EXPECT_TRUE(unparsed_digest(headings));  // hashed, whatever it is
  EXPECT_FALSE(measured_facts(headings));
  EXPECT_FALSE(unparsed_digest("[data]\nalgorithm = \"sha256\"\n"));
  EXPECT_FALSE(unparsed_digest(""));
  EXPECT_FALSE(unparsed_digest("algorithm = \"md5\"\n"));
  EXPECT_FALSE(unparsed_digest("algorithm = sha256\n"));
  EXPECT_EQ(unparsed_digest(std::string(attest::kInitdataBytesMax + 1, 'x')).error().code(),
            ErrorCode::limit_exceeded);
}

TEST(MeasuredFacts, ATextThatReadsAsTwoAlgorithmsIsRefused) {
  const std::string text =
      "version = '''\nalgorithm = \"sha256\"\n'''\nalgorithm = \"sha384\"\n[data]\n";
  EXPECT_TRUE(unparsed_digest(text));
  EXPECT_FALSE(measured_facts(text));
}

TEST(MeasuredFacts, ServiceAndDeploymentComeFromTheServersFile) {
  const auto facts = must(measured_facts(
      packed("algorithm = \"sha256\"", "service_id = \"pay\"\ndeployment = \"test\"\n")));
  EXPECT_EQ(facts.service, "pay");
  EXPECT_EQ(facts.deployment, "test");
  EXPECT_EQ(must(measured_facts("version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\nx = \"y\"\n"))
                .service,
            "");
  EXPECT_FALSE(measured_facts(packed("algorithm = \"sha256\"", "service_id = 3\n")));
  EXPECT_FALSE(measured_facts(packed("algorithm = \"sha256\"", "service_id = \n")));
}

}  // namespace
}  // namespace penstock::manager
