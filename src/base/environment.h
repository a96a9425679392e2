// The environment of a program comes from whoever started it, inside an enclave from the host.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace penstock {

enum class KeepsVariables : unsigned char {
  few,       // servers: where things are, and the language
  commands,  // the command line: also the terminal's and PENSTOCK_*
};

// First thing in main, before libraries and threads are used: takes every variable out that is not
// known to be harmless. Libraries read theirs whenever they like (OpenSSL's configuration loads
// code, gconv's path too, malloc's and the resolver's change what they do).
// Not empty: why the program must not run. LD_* and GLIBC_TUNABLES had their effect before main, so
// they are refused where they are seen; code that they brought along could hide them, so only an
// environment that init has made protects against them (docs/trust.md).
std::string clean_environment(KeepsVariables keeps);

// The rule itself.
bool is_kept(std::string_view name, std::string_view value, KeepsVariables keeps);
bool changes_the_loader(std::string_view name);

}  // namespace penstock
