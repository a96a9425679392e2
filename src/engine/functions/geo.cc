// GEO_DISTANCE: great-circle distance by the haversine formula.
#include <cmath>
#include <numbers>

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

double radius_in(std::string_view unit) {
  const bool miles = unit.size() >= 2 && (unit[0] | 0x20) == 'm' && (unit[1] | 0x20) == 'i';
  return miles ? kEarthRadiusMiles : kEarthRadiusKm;
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
    if (!a.valid() || !b.valid()) {
      out[row] = 0;
      return call.errors.add(row, kInvalidArgument);
    }
    const double radius = units != nullptr ? radius_in(units[row].view()) : kEarthRadiusKm;
    out[row] = angle_between(a, b) * radius;
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
        {"GEO_DISTANCE(0, 0, 0, 0, 'MILES')", "0.0"}}},
  };
}

}  // namespace penstock::engine::functions
