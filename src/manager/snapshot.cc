#include "manager/snapshot.h"

namespace penstock::manager {

const std::vector<std::string>* App::find(std::string_view list) const {
  if (list == "builds") return &measurements_;
  if (list == "configs") return &digests_;
  return nullptr;
}

// Beside those of several claims: of a build that is a measurement that is all.
const std::vector<attest::Build>* App::find_builds(std::string_view list) const {
  return list == "builds" ? &whole_builds_ : nullptr;
}

void App::index() {
  measurements_.clear();
  whole_builds_.clear();
  digests_.clear();
  for (const Approved& build : builds) {
    measurements_.push_back(build.value);
    whole_builds_.push_back({.name = build.note.empty() ? build.value : build.note,
                             .claims = {{"measurement", build.value}}});
  }
  for (const WholeBuild& build : whole_builds)
    whole_builds_.push_back(
        {.name = build.note.empty() ? build.id : build.note, .claims = build.claims});
  for (const Approved& config : configs) digests_.push_back(config.value);
}

const App* Snapshot::find(std::string_view app) const {
  const auto found = apps.find(app);
  return found == apps.end() ? nullptr : found->second.get();
}

}  // namespace penstock::manager
