// The stream server as a program: arguments, opening of its parts in order, signals.
#pragma once

namespace penstock::server {

// Returns the exit status: 0 after SIGTERM or SIGINT, else that of the error, which is on stderr.
int run_penstockd(int argc, char** argv);

}  // namespace penstock::server
