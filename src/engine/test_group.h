// For tests: several processes of one service, as logs over one log whose tasks they share.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "topics/test_delayed_log.h"

namespace penstock::engine::test {

class MemberLog;

// Gives out tasks as it is told. One thread changes it; processes may come and go meanwhile.
class Group {
 public:
  // Who owns which partition's tasks; partitions that are not named are nobody's.
  using Owners = std::map<std::int32_t, const MemberLog*>;

  // All members give everything back, then take what is theirs now. `late` (or null) is told only
  // afterwards that it has lost its tasks, as one that was silent for too long.
  void share(const Owners& owners, const MemberLog* late = nullptr);
  void expel(const MemberLog& member, const Error& reason);
  std::size_t members() const {
    std::lock_guard lock(mutex_);
    return members_.size();
  }

 private:
  friend class MemberLog;
  class Member;
  void call(const MemberLog* except, const std::function<void(Member&)>& work);

  mutable std::mutex mutex_;  // guards owners_, and members_ against those who come and go
  std::mutex changes_;        // one change of tasks at a time
  Owners owners_;
  std::set<Member*> members_;
};

class Group::Member final : public topics::Membership {
 public:
  Member(Group& group, const MemberLog& log, topics::MembershipListener& listener)
      : group_(group), log_(log), listener_(listener) {
    std::lock_guard lock(group_.mutex_);
    group_.members_.insert(this);
  }
  ~Member() override {
    std::thread([&] { listener_.on_revoked(false); }).join();
    std::lock_guard changes(group_.changes_);
    std::lock_guard lock(group_.mutex_);
    group_.members_.erase(this);
  }
  bool owns(std::string_view, std::int32_t partition, std::int32_t) const override {
    std::lock_guard lock(group_.mutex_);
    auto found = group_.owners_.find(partition);
    return found != group_.owners_.end() && found->second == &log_;
  }
  const MemberLog& log() const { return log_; }
  topics::MembershipListener& listener() { return listener_; }

 private:
  Group& group_;
  const MemberLog& log_;
  topics::MembershipListener& listener_;
};

class MemberLog final : public topics::DelayedLog {
 public:
  MemberLog(Group& group, topics::Log& inner, topics::Delays delays = {})
      : DelayedLog(inner, delays), group_(group) {}
  Result<std::unique_ptr<topics::Membership>> join(topics::MembershipListener& listener) override {
    return std::make_unique<Group::Member>(group_, *this, listener);
  }

 private:
  Group& group_;
};

// Each member on a thread of its own, at the same time.
inline void Group::call(const MemberLog* except, const std::function<void(Member&)>& work) {
  std::vector<Member*> members;
  {
    std::lock_guard lock(mutex_);
    for (Member* member : members_)
      if (&member->log() != except) members.push_back(member);
  }
  std::vector<std::thread> threads;
  for (Member* member : members) threads.emplace_back([&work, member] { work(*member); });
  for (std::thread& thread : threads) thread.join();
}

inline void Group::share(const Owners& owners, const MemberLog* late) {
  std::lock_guard changes(changes_);
  call(late, [](Member& member) { member.listener().on_revoked(false); });
  {
    std::lock_guard lock(mutex_);
    owners_ = owners;
  }
  auto assign = [](Member& member) { member.listener().on_assigned(member); };
  call(late, assign);
  if (late == nullptr) return;
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  call(nullptr, [&](Member& member) {
    if (&member.log() != late) return;
    member.listener().on_revoked(true);
    assign(member);
  });
}

inline void Group::expel(const MemberLog& expelled, const Error& reason) {
  std::lock_guard changes(changes_);
  call(nullptr, [&](Member& member) {
    if (&member.log() == &expelled) member.listener().on_expelled(reason);
  });
}

}  // namespace penstock::engine::test
