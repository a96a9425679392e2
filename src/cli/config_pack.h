// Makes the one file that is measured (initdata, attest/initdata.h) of a penstock.toml and the
// files that it names.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/toml.h"

namespace penstock::cli {

// Names of files in a penstock.toml: sql_files, statement_keys, manager.ca, kafka.ca; in that
// order, each once. invalid_argument: one of them is not a text or list of texts.
Result<std::vector<std::string>> files_named(const TomlTable& configuration);

// version, algorithm and the table `data`, files in order of their names. Texts stand as they are
// between triple quotes where TOML allows it, else escaped.
std::string pack_initdata(const std::map<std::string, std::string, std::less<>>& files);

}  // namespace penstock::cli
