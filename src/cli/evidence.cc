#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "attest/rfc3339.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/console/cell_text.h"
#include "cli/evidence_set.h"
#include "cli/paragraph.h"

namespace penstock::cli {
namespace {

class Evidence final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.require_subcommand(1);
    CLI::App& verify = *verb.add_subcommand("verify", "Judge evidence of a folder or of files");
    verify.add_option("WHAT", what_,
                      "A folder with expected.json; or, with --type, files as ROLE=FILE");
    verify.add_option("--type", type_,
                      "What the evidence is: sgx-quote, tdx-quote, snp-report, "
                      "nitro-document, tpm-quote, azure-vtpm ...");
    verify.add_option("--at", at_,
                      "Time of judgement, such as 2026-02-01T00:00:00Z; now unless "
                      "given");
    verify.add_option("--nonce", nonce_, "What the evidence's nonce must be (hex)");
    verify.add_flag("--json", json_, "The judgement as JSON");
    verify.footer(
        "Ends with status 0 for good evidence (or the outcome that the folder expects), 1 when it "
        "is rejected,\n2 when the arguments or expected.json cannot be read.");
  }

  Result<> run() override {
    EvidenceQuestion question = TRY(read());
    if (!at_.empty()) question.at_s = TRY_IN(attest::parse_rfc3339(at_), "--at");
    if (!nonce_.empty()) question.nonce = TRY_IN(from_hex(nonce_), "--nonce");
    const auto answer = judge_evidence(question, system_clock().now_ms() / 1000);
    if (!answer) return fail(ErrorCode::invalid_argument, answer.error().text());
    if (json_)
      fmt::print("{}\n",
                 to_json(*answer).dump(2, ' ', false, OrderedJson::error_handler_t::replace));
    else
      fmt::print("{}", printable_lines(to_text(*answer, report_columns())));
    std::fflush(stdout);
    status_ = answer->as_expected ? 0 : 1;
    return {};
  }

  std::string_view advice(const Error&) const override { return ""; }
  int answer_status() const override { return status_; }

 private:
  Result<EvidenceQuestion> read() const {
    if (!type_.empty()) return evidence_of_files(type_, what_);
    if (what_.size() != 1)
      return fail(ErrorCode::invalid_argument,
                  "evidence verify takes one folder, or --type and files as ROLE=FILE");
    return read_evidence_set(what_[0]);
  }

  std::vector<std::string> what_;
  std::string type_, at_, nonce_;
  bool json_ = false;
  int status_ = 0;
};

}  // namespace

std::unique_ptr<Command> make_evidence() {
  return std::make_unique<Evidence>();
}

}  // namespace penstock::cli
