// What the machine must offer: programs are built for x86-64-v3.
#pragma once

namespace penstock {

// A sentence that names the instructions this CPU lacks and what to do, or null when it has all.
// To be called first in main(); runs on any x86-64 CPU. The text is static.
const char* unsuitable_cpu();

}  // namespace penstock
