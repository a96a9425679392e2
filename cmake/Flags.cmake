# Compiler and linker flags that every target shares.
# x86-64-v3 (AVX2, 2013 and later) is the baseline: every TEE we support has it, and JSON scanning and
# CRC need it. `penstock` checks the CPU at start and says so when it is older (docs/adr/0002).
add_compile_options(-Wall -Wextra -Werror -march=x86-64-v3 -fno-omit-frame-pointer)
if(PENSTOCK_UNITY)
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)  # its own file is not the main one of a lump
endif()
add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> $<$<CXX_COMPILER_ID:GNU>:-Wno-interference-size>)
if(NOT PENSTOCK_UNITY)  # ccache takes this option for a use of precompiled headers, which lumps have not
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()
add_compile_definitions($<$<BOOL:${PENSTOCK_CRASH_POINTS}>:PENSTOCK_CRASH_POINTS>)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
endif()
if(PENSTOCK_SANITIZE)
  add_compile_options(-fsanitize=${PENSTOCK_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PENSTOCK_SANITIZE})
endif()
if(PENSTOCK_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  # Hits in another folder too: paths below the tree are taken as relative ones, in objects also. Precompiled headers
  # (preset dev) cache only with the sloppiness (ccache manual, "Precompiled headers"), which has a price: a header that
  # is edited while a file compiles may leave a wrong object in the cache. Lumps need none, and nothing that is tested
  # or shipped is built so.
  set(sloppiness)
  if(NOT PENSTOCK_UNITY)
    set(sloppiness CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime)
  endif()
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_NAMESPACE=penstock-2 ${sloppiness} ${CCACHE})
endif()
