#include "manager/figures.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace penstock::manager {
namespace {

constexpr std::size_t kCodesMax = 64;
constexpr std::array<std::string_view, Figures::kCalls> kCallNames = {"auth", "attest", "resource",
                                                                      "admin", "info"};

bool is_label(std::string_view code) {
  return !code.empty() && code.size() <= 64 && std::ranges::all_of(code, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

void family(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

template <typename T>
void sample(std::string& out, std::string_view name, std::string_view labels, T value) {
  if (labels.empty()) {
    fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
  } else {
    fmt::format_to(std::back_inserter(out), "{}{{{}}} {}\n", name, labels, value);
  }
}

}  // namespace

void Figures::denial(std::string_view code) {
  const std::lock_guard lock(mutex_);
  if (const auto found = denials_.find(code); found != denials_.end()) {
    ++found->second;
    return;
  }
  const bool fits = denials_.size() < kCodesMax && is_label(code);
  ++denials_[fits ? std::string(code) : std::string("other")];
}

void Figures::request(Call call, std::int64_t microseconds) {
  Timing& timing = timings_[static_cast<std::size_t>(call)];
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    if (static_cast<double>(microseconds) <= kBounds[i] * 1e6) ++timing.within[i];
  }
  ++timing.count;
  timing.microseconds += microseconds;
}

std::string Figures::text(const Gauges& gauges) const {
  std::string out;
  family(out, "penstock_manager_attestations_total", "counter", "Attestations by outcome.");
  sample(out, "penstock_manager_attestations_total", "outcome=\"granted\"", attested_.load());
  sample(out, "penstock_manager_attestations_total", "outcome=\"denied\"", refused_.load());
  family(out, "penstock_manager_releases_total", "counter", "Resources that left.");
  sample(out, "penstock_manager_releases_total", "", releases_.load());
  family(out, "penstock_manager_certificates_total", "counter",
         "Certificates that the workload CA has issued to enclaves.");
  sample(out, "penstock_manager_certificates_total", "", certificates_.load());
  family(out, "penstock_manager_denials_total", "counter",
         "Denials of attestation and release, by the code of the rule.");
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [code, count] : denials_) {
      sample(out, "penstock_manager_denials_total", fmt::format("code=\"{}\"", code), count);
    }
  }
  family(out, "penstock_manager_unaudited_refusals_total", "counter",
         "Refusals that have no audit entry of their own; entries per interval count them.");
  sample(out, "penstock_manager_unaudited_refusals_total", "", unaudited_.load());
  constexpr std::string_view kSeconds = "penstock_manager_request_seconds";
  family(out, kSeconds, "histogram", "Time of handling a request, by kind of call.");
  for (std::size_t call = 0; call < kCalls; ++call) {
    const Timing& timing = timings_[call];
    const std::string label = fmt::format("call=\"{}\"", kCallNames[call]);
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      sample(out, fmt::format("{}_bucket", kSeconds),
             fmt::format("{},le=\"{}\"", label, kBounds[i]), timing.within[i].load());
    }
    sample(out, fmt::format("{}_bucket", kSeconds), label + ",le=\"+Inf\"", timing.count.load());
    sample(out, fmt::format("{}_sum", kSeconds), label,
           static_cast<double>(timing.microseconds.load()) / 1e6);
    sample(out, fmt::format("{}_count", kSeconds), label, timing.count.load());
  }
  family(out, "penstock_manager_sessions", "gauge", "Sessions that have not expired.");
  sample(out, "penstock_manager_sessions", "", gauges.sessions);
  family(out, "penstock_manager_connections", "gauge", "Open connections.");
  sample(out, "penstock_manager_connections", "", gauges.connections);
  family(out, "penstock_manager_audit_entries", "gauge", "Entries of the audit log.");
  sample(out, "penstock_manager_audit_entries", "", gauges.audit_entries);
  family(out, "penstock_manager_refusal_rows", "gauge",
         "Kinds of refusals that are being counted for the audit log.");
  sample(out, "penstock_manager_refusal_rows", "", gauges.refusal_rows);
  family(out, "penstock_manager_evictions_total", "counter",
         "Connections closed and requests refused because of quotas.");
  sample(out, "penstock_manager_evictions_total", "", gauges.evictions);
  family(out, "penstock_manager_disk_free_bytes", "gauge", "Room on the disk of the audit log.");
  sample(out, "penstock_manager_disk_free_bytes", "", gauges.disk_free_bytes);
  family(out, "penstock_manager_disk_low", "gauge",
         "1 when that room runs short; releases stop before it is used up.");
  sample(out, "penstock_manager_disk_low", "", gauges.disk_low ? 1 : 0);
  family(out, "penstock_manager_certificate_not_after_seconds", "gauge",
         "When the server's certificate ends, in seconds since 1970.");
  sample(out, "penstock_manager_certificate_not_after_seconds", "", gauges.certificate_ends_s);
  family(out, "penstock_manager_collateral_items", "gauge",
         "Items of signed collateral that are in force.");
  sample(out, "penstock_manager_collateral_items", "", gauges.collateral_items);
  if (gauges.collateral_items > 0) {
    family(out, "penstock_manager_collateral_not_after_seconds", "gauge",
           "When the first of them ends, in seconds since 1970.");
    sample(out, "penstock_manager_collateral_not_after_seconds", "", gauges.collateral_ends_s);
    family(out, "penstock_manager_collateral_age_seconds", "gauge", "Since the oldest was made.");
    sample(out, "penstock_manager_collateral_age_seconds", "", gauges.collateral_age_s);
    family(out, "penstock_manager_collateral_alarms", "gauge",
           "Items that hold no longer, or not for another week.");
    sample(out, "penstock_manager_collateral_alarms", "", gauges.collateral_alarms);
  }
  family(out, "penstock_manager_development", "gauge",
         "1 when simulated evidence may be believed, which protects nothing.");
  sample(out, "penstock_manager_development", "", gauges.development ? 1 : 0);
  return out;
}

}  // namespace penstock::manager
