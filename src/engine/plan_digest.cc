#include "engine/plan_digest.h"

#include "base/bytes.h"
#include "crypto/sha.h"

namespace penstock::engine {
namespace {

void append_schemas(const sql::PlanNode& plan, std::string& text) {
  text += plan.schema.text();
  text += '\n';
  for (const sql::PlanPtr& input : plan.inputs) append_schemas(*input, text);
}

}  // namespace

std::string plan_digest(const sql::PlanNode& plan) {
  std::string text = "penstock plan 1\n" + sql::to_text(plan);
  append_schemas(plan, text);
  return to_hex(crypto::sha256(as_bytes(text)));
}

}  // namespace penstock::engine
