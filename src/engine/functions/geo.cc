// GEO_DISTANCE: great-circle distance by the haversine formula.
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <numbers>
#include <optional>

#include "base/ascii.h"
#include "engine/functions/families.h"
#include "engine/functions/kernel.h"
#include "engine/functions/limits.h"
#include "engine/functions/overload.h"

namespace penstock::engine::functions {
namespace {

constexpr double kEarthRadiusKm = 6371;
constexpr double kEarthRadiusMiles = 3959;

double radians(double degrees) {
  return degrees * (std::numbers::pi / 180.0);
}

double haversine(double angle) {
  const double sine = std::sin(angle / 2);
  return sine * sine;
}

struct Place {
  double latitude, longitude;  // degrees
  bool valid() const { return std::fabs(latitude) <= 90 && std::fabs(longitude) <= 180; }
};

// The angle between two places, in radians.
double angle_between(Place a, Place b) {
  const double part = haversine(radians(b.latitude - a.latitude)) +
                      haversine(radians(b.longitude - a.longitude)) *
                          std::cos(radians(a.latitude)) * std::cos(radians(b.latitude));
  return 2 * std::asin(std::sqrt(part));
}

std::optional<double> radius_in(std::string_view unit) {
  const auto is_one_of = [unit](std::initializer_list<std::string_view> names) {
    return std::ranges::any_of(
        names, [unit](std::string_view name) { return equal_ignoring_case(name, unit); });
  };
  if (is_one_of({"mi", "mile", "miles"})) return kEarthRadiusMiles;
  if (is_one_of({"km", "kilometer", "kilometers", "kilometre", "kilometres"}))
    return kEarthRadiusKm;
  return std::nullopt;
}

void distance(const KernelCall& call) {
  const double* a_lat = argument<double>(call, 0);
  const double* a_lon = argument<double>(call, 1);
  const double* b_lat = argument<double>(call, 2);
  const double* b_lon = argument<double>(call, 3);
  const Text* units = call.args.size() > 4 ? argument<Text>(call, 4) : nullptr;
  double* out = results<double>(call);
  each_row(call.rows, [&](RowIndex row) {
    const Place a{a_lat[row], a_lon[row]}, b{b_lat[row], b_lon[row]};
    const auto radius = units != nullptr ? radius_in(units[row].view()) : kEarthRadiusKm;
    if (!a.valid() || !b.valid() || !radius) {
      out[row] = 0;
      return call.errors.add(row, kInvalidArgument);
    }
    out[row] = angle_between(a, b) * *radius;
  });
}

}  // namespace

FunctionList geo_functions() {
  using enum ArgKind;
  return {
      {"GEO_DISTANCE",
       "MATHEMATICAL",
       "The distance between two places (latitude, longitude each) in kilometres, or 'MILES'.",
       {overload({double_, double_, double_, double_}, kDouble, distance),
        overload({double_, double_, double_, double_, string}, kDouble, distance)},
       {{"GEO_DISTANCE(37.4439E0, -122.1663E0, 51, 0)", "8682.459061368269"},
        {"GEO_DISTANCE(0, 0, 0, 0, 'MILES')", "0.0"},
        {"GEO_DISTANCE(0, 0, 1, 1, 'feet')", "error: invalid_argument"}}},
  };
}

}  // namespace penstock::engine::functions
