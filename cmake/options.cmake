# What every target is compiled with, and the switches a builder has.
option(SIMCLR_TESTS "Build the tests" ON)
option(SIMCLR_WERROR "Warnings are errors" OFF)
option(SIMCLR_FUZZ "Link the fuzz targets with libFuzzer (clang; preset fuzz)" OFF)
set(SIMCLR_SANITIZE "" CACHE STRING "Value of -fsanitize=, for example address,undefined")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# The verifier and assertions cost little beside a training step: keep them in
# debug and sanitizer builds, drop them from what users run.
set(CMAKE_C_FLAGS_RELEASE "-O3 -DNDEBUG")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")

add_library(simclr_flags INTERFACE)
target_compile_definitions(simclr_flags INTERFACE _POSIX_C_SOURCE=200809L)
target_compile_options(simclr_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla
  -Wwrite-strings -Wpointer-arith -Wcast-qual -Wconversion -Wno-sign-conversion -Wformat=2
  -Wswitch-enum -Wdouble-promotion -Wimplicit-fallthrough
  $<$<BOOL:${SIMCLR_WERROR}>:-Werror>)
if(SIMCLR_SANITIZE)
  target_compile_options(simclr_flags INTERFACE
    -fsanitize=${SIMCLR_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(simclr_flags INTERFACE -fsanitize=${SIMCLR_SANITIZE})
endif()
