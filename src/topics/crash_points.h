// The named places between any two steps of the embedded log where a test makes the process die.
#pragma once

#include <array>
#include <string_view>

namespace penstock::topics {

inline constexpr std::array<std::string_view, 24> kEmbeddedCrashPoints = {
    "embedded.open.after_lock",
    "embedded.open.after_format",
    "embedded.create.after_intent",
    "embedded.create.after_folders",
    "embedded.create.after_state",
    "embedded.remove.after_state",
    "embedded.remove.after_files",
    "embedded.remove.after_forget",
    "embedded.commit.before_segment_write",
    "embedded.commit.after_segment_write",
    "embedded.commit.after_sync",
    "embedded.commit.after_state",
    "embedded.commit.after_publish",
    "embedded.roll.before_open",
    "embedded.roll.after_open",
    "embedded.roll.after_reserve",
    "embedded.trim.after_state",
    "embedded.trim.after_files",
    "embedded.compact.after_write",
    "embedded.compact.after_rename",
    "embedded.recover.after_journal",
    "embedded.recover.after_garbage",
    "embedded.recover.after_orphan",
    "embedded.recover.after_cut",
};

}  // namespace penstock::topics
