#include <fmt/format.h>

#include "bench/roofline.h"
#include "bench/rows.h"

namespace penstock::bench {
namespace {

Result<Measurement> run_file(const Settings& settings, bool sealed) {
  RooflineFile plain_file{settings.folder / "roofline_plain", false};
  RooflineFile file{settings.folder / (sealed ? "roofline_sealed" : "roofline_plain"), sealed};
  if (!std::filesystem::exists(file.path)) TRY(write_roofline_file(file, settings.records));
  RooflineResult seen = TRY(run_roofline(file));
  if (sealed && std::filesystem::exists(plain_file.path)) {
    RooflineResult plain = TRY(run_roofline(plain_file));
    if (plain.checksum != seen.checksum)
      return fail(ErrorCode::internal, "roofline: sealed and plain counts differ");
  }
  return Measurement{seen.records, seen.cpu_seconds};
}

}  // namespace

std::vector<Row> roofline_rows() {
  return {
      {"roofline_plain", "", "by hand: read, scan two fields, count",
       [](const Settings& s, int) { return run_file(s, false); }},
      {"roofline_sealed", "", "by hand: read, open, scan two fields, count",
       [](const Settings& s, int) { return run_file(s, true); }},
  };
}

}  // namespace penstock::bench
