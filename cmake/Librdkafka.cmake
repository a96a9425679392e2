# librdkafka as `dep_rdkafka`: built here from its source, statically (docs/adr/0009), or an installed one.
option(PENSTOCK_SYSTEM_RDKAFKA "Use the installed librdkafka instead of building the pinned one" OFF)
set(PENSTOCK_RDKAFKA_VERSION 2.8.0)
set(PENSTOCK_RDKAFKA_SHA256 5bd1c46f63265f31c6bfcedcde78703f77d28238eadf23821c2b43fc30be3e25)
set(PENSTOCK_RDKAFKA_OLDEST 2.6.1)  # before it, SCRAM does not work with current brokers

add_library(dep_rdkafka INTERFACE)

function(penstock_system_rdkafka)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(RDKAFKA IMPORTED_TARGET rdkafka)
  if(NOT RDKAFKA_FOUND)
    message(FATAL_ERROR "PENSTOCK_SYSTEM_RDKAFKA is ON, but pkg-config knows no rdkafka: install librdkafka-dev "
                        ">= ${PENSTOCK_RDKAFKA_OLDEST}, or leave the option OFF and it is built from source")
  elseif(RDKAFKA_VERSION VERSION_LESS PENSTOCK_RDKAFKA_OLDEST)
    message(FATAL_ERROR "The installed librdkafka is ${RDKAFKA_VERSION}, at least ${PENSTOCK_RDKAFKA_OLDEST} is "
                        "needed: leave PENSTOCK_SYSTEM_RDKAFKA OFF and ${PENSTOCK_RDKAFKA_VERSION} is built from source")
  endif()
  message(STATUS "librdkafka: the installed ${RDKAFKA_VERSION}. Without the first change of docs/adr/0009 brokers that replace "
                 "a topic make it use freed memory: run topics_test beside a broker")
  target_link_libraries(dep_rdkafka INTERFACE PkgConfig::RDKAFKA)
endfunction()

# Instrumented like the rest, but for UBSan: what it finds there is not ours to mend.
function(penstock_rdkafka_flags out)
  # Its configure script finds atomic stores, its CMakeLists.txt does not and leaves plain ones.
  set(flags "-march=x86-64-v3 -fno-omit-frame-pointer -w -DHAVE_ATOMICS_32_ATOMIC=1 -DHAVE_ATOMICS_64_ATOMIC=1")
  if(PENSTOCK_SANITIZE MATCHES "address")
    string(APPEND flags " -fsanitize=address")
  elseif(PENSTOCK_SANITIZE MATCHES "thread")
    # TSan does not see C11's threads: hide them, and the library falls back to pthreads.
    file(WRITE ${CMAKE_BINARY_DIR}/librdkafka/hidden/threads.h "#error \"hidden from librdkafka\"\n")
    string(APPEND flags " -fsanitize=thread -I${CMAKE_BINARY_DIR}/librdkafka/hidden")
  endif()
  set(${out} "${flags}" PARENT_SCOPE)
endfunction()

# The C compiler that belongs to the C++ one: g++ and gcc, clang++-19 and clang-19.
function(penstock_c_compiler out)
  get_filename_component(folder ${CMAKE_CXX_COMPILER} DIRECTORY)
  get_filename_component(name ${CMAKE_CXX_COMPILER} NAME)
  string(REPLACE "clang++" "clang" name ${name})
  string(REPLACE "g++" "gcc" name ${name})
  string(REPLACE "c++" "cc" name ${name})
  find_program(PENSTOCK_C_COMPILER ${name} HINTS ${folder} REQUIRED)
  set(${out} ${PENSTOCK_C_COMPILER} PARENT_SCOPE)
endfunction()

# Where this machine keeps what was built once: by version, our changes, compiler and flags.
function(penstock_kept_rdkafka out flags cc)
  file(READ ${CMAKE_SOURCE_DIR}/cmake/LibrdkafkaPatch.cmake changes)
  file(READ ${CMAKE_SOURCE_DIR}/cmake/Librdkafka.cmake recipe)
  execute_process(COMMAND ${cc} --version OUTPUT_VARIABLE compiler)
  string(REPLACE "${CMAKE_BINARY_DIR}" "" flags "${flags}")
  string(SHA256 key "${PENSTOCK_RDKAFKA_SHA256} ${flags} ${compiler} ${changes} ${recipe}")
  string(SUBSTRING ${key} 0 16 key)
  set(cache $ENV{XDG_CACHE_HOME})
  if(NOT cache)
    set(cache $ENV{HOME}/.cache)
  endif()
  set(${out} ${cache}/penstock/librdkafka-${PENSTOCK_RDKAFKA_VERSION}/${key} PARENT_SCOPE)
endfunction()

function(penstock_build_rdkafka)
  find_package(ZLIB REQUIRED)
  find_library(ZSTD_LIBRARY zstd REQUIRED)
  penstock_rdkafka_flags(flags)
  penstock_c_compiler(cc)
  penstock_kept_rdkafka(kept "${flags}" ${cc})
  set(root ${CMAKE_BINARY_DIR}/librdkafka)
  if(EXISTS ${kept}/lib/librdkafka.a)
    message(STATUS "librdkafka: built before, from ${kept}")
    file(COPY ${kept}/include ${kept}/lib DESTINATION ${root})
    add_custom_target(librdkafka)  # for those who want its headers alone
  else()
    penstock_compile_rdkafka("${flags}" ${cc} ${root} ${kept})
  endif()
  target_include_directories(dep_rdkafka SYSTEM INTERFACE ${root}/include)
  target_compile_definitions(dep_rdkafka INTERFACE LIBRDKAFKA_STATICLIB)
  target_link_libraries(dep_rdkafka INTERFACE ${root}/lib/librdkafka.a OpenSSL::SSL OpenSSL::Crypto ${ZSTD_LIBRARY}
                        ZLIB::ZLIB Threads::Threads m)
endfunction()

# Into `root`, and from there into `kept` for the next tree.
function(penstock_compile_rdkafka flags cc root kept)
  include(ExternalProject)
  execute_process(COMMAND bash ${CMAKE_SOURCE_DIR}/tools/dev/librdkafka.sh ${PENSTOCK_RDKAFKA_VERSION}
                          ${PENSTOCK_RDKAFKA_SHA256}
                  OUTPUT_VARIABLE tarball OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "The source of librdkafka is not to be had (see above). An installed one, at least "
                        "${PENSTOCK_RDKAFKA_OLDEST}, is taken with -DPENSTOCK_SYSTEM_RDKAFKA=ON")
  endif()
  message(STATUS "librdkafka: ${tarball}, is built before the module topics")
  ExternalProject_Add(librdkafka
    PREFIX ${root}
    URL ${tarball}
    URL_HASH SHA256=${PENSTOCK_RDKAFKA_SHA256}
    DOWNLOAD_EXTRACT_TIMESTAMP ON
    PATCH_COMMAND ${CMAKE_COMMAND} -P ${CMAKE_SOURCE_DIR}/cmake/LibrdkafkaPatch.cmake
    CMAKE_GENERATOR Ninja
    # SASL is Cyrus there, and with it Kerberos, a shell command and plug-ins: off. SCRAM, PLAIN and OAUTHBEARER do
    # without it, but are switched on inside the same `if`, so by hand.
    CMAKE_ARGS -DCMAKE_BUILD_TYPE=Release "-DCMAKE_C_FLAGS_RELEASE=-O2 -g1 -DNDEBUG" "-DCMAKE_C_FLAGS=${flags}"
               -DCMAKE_C_COMPILER=${cc} -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
               -DRDKAFKA_BUILD_STATIC=ON -DRDKAFKA_BUILD_EXAMPLES=OFF -DRDKAFKA_BUILD_TESTS=OFF
               -DWITH_SSL=ON -DWITH_ZLIB=ON -DWITH_ZSTD=ON -DENABLE_LZ4_EXT=OFF -DWITH_CURL=OFF -DWITH_PLUGINS=OFF
               -DWITH_SASL=OFF -DWITH_SASL_SCRAM=ON -DWITH_SASL_OAUTHBEARER=ON
    BUILD_COMMAND ${CMAKE_COMMAND} --build <BINARY_DIR> --target rdkafka
    COMMAND ${CMAKE_COMMAND} -E make_directory ${root}/include/librdkafka ${root}/lib
    COMMAND ${CMAKE_COMMAND} -E copy <SOURCE_DIR>/src/rdkafka.h <SOURCE_DIR>/src/rdkafka_mock.h
            ${root}/include/librdkafka
    COMMAND ${CMAKE_COMMAND} -E copy <BINARY_DIR>/src/librdkafka.a ${root}/lib
    COMMAND ${CMAKE_COMMAND} -DFROM=${root} -DTO=${kept} -P ${CMAKE_SOURCE_DIR}/cmake/Keep.cmake
    BUILD_BYPRODUCTS ${root}/lib/librdkafka.a
    INSTALL_COMMAND ""
    LOG_DOWNLOAD ON LOG_PATCH ON LOG_CONFIGURE ON LOG_BUILD ON LOG_OUTPUT_ON_FAILURE ON)
  ExternalProject_Add_StepDependencies(librdkafka patch ${CMAKE_SOURCE_DIR}/cmake/LibrdkafkaPatch.cmake)
  file(MAKE_DIRECTORY ${root}/include)
  add_dependencies(dep_rdkafka librdkafka)
endfunction()

if(PENSTOCK_SYSTEM_RDKAFKA)
  penstock_system_rdkafka()
else()
  penstock_build_rdkafka()
endif()
