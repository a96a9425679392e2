#include "engine/state.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"
#include "crypto/sha.h"

namespace penstock::engine {
namespace {

constexpr std::size_t kStoreIdBytesMax = 255;
constexpr std::size_t kStoreDigestBytes = 6;

}  // namespace

std::string store_of_input(std::string_view store, std::size_t input) {
  return input == 0 ? std::string(store) : fmt::format("{}.{}", store, input);
}

std::string store_id(std::string_view kind, const data::Schema& columns) {
  std::string text;
  for (const data::ColumnSchema& column : columns.columns) {
    const bool is_key = column.role == data::ColumnRole::key;
    text += fmt::format("{}:{} {}{}\n", column.name.size(), column.name, column.type.text(),
                        is_key ? " key" : "");
  }
  const crypto::Sha256Digest digest = crypto::sha256(as_bytes(text));
  return fmt::format("{}.{}", kind, to_hex(ByteView(digest).first(kStoreDigestBytes)));
}

StoreWrites::StoreWrites(std::string_view store, topics::StateWrites& to) : to_(to) {
  CHECK(!store.empty() && store.size() <= kStoreIdBytesMax);
  prefix_bytes_ = 1 + store.size();
  key_.resize(prefix_bytes_);
  key_[0] = static_cast<std::uint8_t>(store.size());
  std::ranges::copy(store, key_.begin() + 1);
}

Result<StoredState> StoredState::load(topics::Writer& writer, const topics::TaskId& task) {
  StoredState state;
  std::size_t malformed = 0;
  state.checkpoint_ = TRY(writer.restore(task, [&](ByteView key, ByteView value) {
    if (!state.take(key, value)) ++malformed;
  }));
  if (malformed > 0)
    return fail(ErrorCode::corrupt,
                fmt::format("stored state of task '{}': {} entries name no store; was it written "
                            "by another version?",
                            task.value(), malformed));
  return state;
}

bool StoredState::take(ByteView key, ByteView value) {
  if (key.empty() || key[0] == 0 || key.size() < 1u + key[0]) return false;
  const std::string_view store = as_text(key.subspan(1, key[0]));
  auto found = stores_.find(store);
  if (found == stores_.end())
    found = stores_.emplace(std::string(store), std::vector<Entry>()).first;
  found->second.push_back({to_buffer(key.subspan(1u + key[0])), to_buffer(value)});
  return true;
}

const std::vector<StoredState::Entry>& StoredState::of(std::string_view store) const {
  static const std::vector<Entry> kNone;
  const auto found = stores_.find(store);
  return found == stores_.end() ? kNone : found->second;
}

Result<> StoredState::check_stores(std::span<const std::string> known) const {
  for (const auto& [store, entries] : stores_) {
    if (std::ranges::find(known, store) != known.end()) continue;
    return fail(ErrorCode::failed_precondition,
                fmt::format("its stored state has a store '{}' ({} entries) that the query's plan "
                            "does not have (its stores: {}): it was written by another plan, or "
                            "by another version's. Run the version that wrote it, or begin anew: "
                            "ALTER QUERY ... RESET POSITIONS TO ...",
                            store, entries.size(), fmt::join(known, ", ")));
  }
  return {};
}

}  // namespace penstock::engine
