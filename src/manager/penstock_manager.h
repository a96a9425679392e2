// The manager as a program: arguments, start, signals.
#pragma once

namespace penstock::manager {

// Returns the exit status: 0 after SIGTERM or SIGINT, else that of the error, which is on stderr.
int run_manager(int argc, char** argv);

}  // namespace penstock::manager
