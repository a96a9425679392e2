// All TEEs of this machine's side. A new one is one file and one line here.
#include <fmt/format.h>

#include "tee/simulated.h"

namespace penstock::tee {
namespace {

struct Entry {
  std::string_view tee;
  bool (*present)();  // null: only when it is named
  Result<std::unique_ptr<Provider>> (*open)(const ProviderOptions&);
};

constexpr Entry kTees[] = {
    {.tee = "simulated", .present = nullptr, .open = open_simulated},
};

}  // namespace

Result<std::unique_ptr<Provider>> open_provider(std::string_view tee,
                                                const ProviderOptions& options) {
  std::string known;
  for (const Entry& entry : kTees) {
    if (entry.tee == tee || (tee == "auto" && entry.present != nullptr && entry.present())) {
      return entry.open(options);
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", entry.tee);
  }
  if (tee == "auto") {
    return fail(ErrorCode::unsupported,
                fmt::format("this machine has no TEE that this version knows. For development name "
                            "one of {}",
                            known));
  }
  return fail(ErrorCode::unsupported,
              fmt::format("there is no TEE '{}'; known are auto, {}", tee, known));
}

}  // namespace penstock::tee
