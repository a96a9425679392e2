// Text results, piece by piece.
#pragma once

#include <cstring>

#include "data/text_output.h"
#include "engine/functions/kernel.h"

namespace penstock::engine::functions {

using data::TextOutput;

inline char* append(char* to, Text text) {
  if (text.size != 0) std::memcpy(to, text.data, text.size);
  return to + text.size;
}

// The kernel of text + text, text || text and their bytes forms.
void join_two_texts(const KernelCall& call);

}  // namespace penstock::engine::functions
