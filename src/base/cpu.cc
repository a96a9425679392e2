#include "base/cpu.h"

namespace penstock {

// Built for the oldest x86-64, unlike everything else, so that it can say what is missing.
__attribute__((target("arch=x86-64"))) const char* unsuitable_cpu() {
  __builtin_cpu_init();
  bool suits = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
               __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
  if (suits) return nullptr;
  return "this CPU lacks AVX2, BMI2 or FMA (x86-64-v3, every Intel and AMD server CPU since 2015). "
         "Use a newer machine, or let the hypervisor pass these features to the guest.";
}

}  // namespace penstock
