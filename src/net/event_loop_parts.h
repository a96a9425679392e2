// What EventLoop is made of. Private to net.
#pragma once

#include <future>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "net/event_loop.h"

namespace penstock::net {

struct EventLoop::Parts {
  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{io.get_executor()};
  // Connections read into it in turn, so that an idle one has no buffer of its own.
  std::vector<char> buffer = std::vector<char>(128 << 10);
  std::promise<void> finished;
  std::thread thread;
};

}  // namespace penstock::net
