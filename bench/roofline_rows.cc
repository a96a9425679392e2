#include <fmt/format.h>

#include "bench/roofline.h"
#include "bench/rows.h"

namespace penstock::bench {
namespace {

Result<Measurement> run_file(const Settings& settings, bool sealed,
                             RooflineWork work = RooflineWork::count) {
  RooflineFile plain_file{settings.folder / "roofline_plain", false};
  RooflineFile file{settings.folder / (sealed ? "roofline_sealed" : "roofline_plain"), sealed};
  if (!std::filesystem::exists(file.path)) TRY(write_roofline_file(file, settings.records));
  RooflineResult seen = TRY(run_roofline(file, work));
  if (sealed && std::filesystem::exists(plain_file.path)) {
    RooflineResult plain = TRY(run_roofline(plain_file, work));
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
      {"roofline_q0_plain", "", "by hand: read, scan five fields, write them",
       [](const Settings& s, int) { return run_file(s, false, RooflineWork::nexmark_q0); }},
      {"roofline_q0_sealed", "", "by hand: read, open, scan five fields, seal, write",
       [](const Settings& s, int) { return run_file(s, true, RooflineWork::nexmark_q0); }},
      {"roofline_q1_plain", "", "by hand: q0 with 0.908 times the price",
       [](const Settings& s, int) { return run_file(s, false, RooflineWork::nexmark_q1); }},
      {"roofline_q1_sealed", "", "by hand: the same, sealed to sealed",
       [](const Settings& s, int) { return run_file(s, true, RooflineWork::nexmark_q1); }},
      {"roofline_q2_plain", "", "by hand: read, scan, write every 123rd auction's bids",
       [](const Settings& s, int) { return run_file(s, false, RooflineWork::nexmark_q2); }},
      {"roofline_q2_sealed", "", "by hand: the same, sealed to sealed",
       [](const Settings& s, int) { return run_file(s, true, RooflineWork::nexmark_q2); }},
  };
}

}  // namespace penstock::bench
