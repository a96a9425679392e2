// A name or number that cannot be mixed up with another of the same underlying type.
#pragma once

#include <compare>
#include <functional>
#include <utility>

namespace penstock {

// struct QueryIdTag; using QueryId = Strong<QueryIdTag, std::string>;
template <typename Tag, typename T>
class Strong {
 public:
  Strong() = default;
  explicit Strong(T value) : value_(std::move(value)) {}
  const T& value() const { return value_; }
  friend auto operator<=>(const Strong&, const Strong&) = default;

 private:
  T value_{};
};

}  // namespace penstock

template <typename Tag, typename T>
struct std::hash<penstock::Strong<Tag, T>> {
  std::size_t operator()(const penstock::Strong<Tag, T>& s) const {
    return std::hash<T>{}(s.value());
  }
};
