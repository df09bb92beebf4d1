# Warnings are errors; every configuration keeps line tables, so that a crash report names its place.
add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wno-missing-field-initializers
                    -Wno-c99-extensions -fno-omit-frame-pointer)
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -gline-tables-only")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -gline-tables-only")
add_link_options(-fuse-ld=lld -Wl,--build-id=fast)
# Reproducible precompiled headers, so that a compiler cache can share them between checkouts.
add_compile_options("SHELL:-Xclang -fno-pch-timestamp")

if(LANDFALL_SANITIZE)
  add_compile_options(-fsanitize=${LANDFALL_SANITIZE} -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${LANDFALL_SANITIZE})
endif()
if(LANDFALL_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(LANDFALL_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()
