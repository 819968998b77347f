# windlass_module(NAME [HOT] DEPENDS other modules or libraries... EXCLUDE files that are not part of it...)
#   One static library windlass_NAME from the folder's .cpp files, and, when there are *_test.cpp
#   files, a doctest program wl_NAME_test that runs as the test NAME.
# windlass_test(NAME [HOT] SOURCES... DEPENDS... ARGUMENTS...)  A doctest program of its own.

add_library(windlass_options INTERFACE)
target_include_directories(windlass_options INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
target_compile_options(windlass_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wswitch-enum -Wold-style-cast
  -Wnon-virtual-dtor -Wnull-dereference
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond$<SEMICOLON>-Wlogical-op>
  # Clang 19 reports that stable_sort of libstdc++ 12 uses what C++17 deprecated.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>
  -Wno-missing-field-initializers  # designated initialisers rely on the members' own defaults
  # Meant for headers; in a unity build every source is an included file.
  $<$<BOOL:${WINDLASS_UNITY}>:$<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>>
  $<$<BOOL:${WINDLASS_WERROR}>:-Werror>)
target_compile_definitions(windlass_options INTERFACE
  _GLIBCXX_ASSERTIONS BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_link_libraries(windlass_options INTERFACE ${WINDLASS_FMT})
if(WINDLASS_SANITIZE)
  target_compile_options(windlass_options INTERFACE -fsanitize=${WINDLASS_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(windlass_options INTERFACE -fsanitize=${WINDLASS_SANITIZE})
  # Between instrumented accesses GCC 12 sees null pointers inside the standard library's headers.
  # Fences, of which it warns too, are used only inside Asio, which one thread runs.
  target_compile_options(windlass_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-null-dereference -Wno-tsan>)
endif()
if(WINDLASS_FUZZ)
  target_compile_options(windlass_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# One precompiled header for the whole tree: a build of its own for each target costs 5 s apiece.
if(WINDLASS_PCH)
  file(WRITE ${PROJECT_BINARY_DIR}/pch.cpp "// Carries the precompiled header.\n")
  add_library(windlass_pch OBJECT ${PROJECT_BINARY_DIR}/pch.cpp)
  target_link_libraries(windlass_pch PUBLIC windlass_options)
  target_precompile_headers(windlass_pch PRIVATE <algorithm> <chrono> <cstdint> <deque> <expected> <functional>
    <map> <memory> <optional> <set> <span> <string> <string_view> <utility> <variant> <vector> <fmt/core.h>)
endif()

# windlass_prepare(TARGET [HOT])  HOT: optimised in every preset, because tests run it millions of
# times; it then cannot share the precompiled header.
function(windlass_prepare target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "HOT" "" "")
  target_link_libraries(${target} PUBLIC windlass_options)
  if(arg_HOT)
    target_compile_options(${target} PRIVATE -O2)
  elseif(WINDLASS_PCH)
    target_precompile_headers(${target} REUSE_FROM windlass_pch)
  endif()
endfunction()

function(windlass_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "HOT" "" "SOURCES;DEPENDS;ARGUMENTS")
  add_executable(wl_${name}_test ${PROJECT_SOURCE_DIR}/tests/doctest_main.cpp ${arg_SOURCES})
  set(hot "")
  if(arg_HOT)
    set(hot HOT)
  endif()
  windlass_prepare(wl_${name}_test ${hot})
  target_link_libraries(wl_${name}_test PRIVATE ${arg_DEPENDS})
  add_test(NAME ${name} COMMAND wl_${name}_test ${arg_ARGUMENTS})
  set_tests_properties(${name} PROPERTIES TIMEOUT 900)
endfunction()

function(windlass_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "HOT" "" "DEPENDS;EXCLUDE")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(TRANSFORM arg_EXCLUDE PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  list(REMOVE_ITEM sources ${arg_EXCLUDE})
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
  add_library(windlass_${name} STATIC ${sources})
  set(hot "")
  if(arg_HOT)
    set(hot HOT)
  endif()
  windlass_prepare(windlass_${name} ${hot})
  target_link_libraries(windlass_${name} PUBLIC ${arg_DEPENDS})
  # Every header compiles by itself: `ninja all_verify_interface_header_sets`.
  target_sources(windlass_${name} INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/src FILES ${headers})
  set_target_properties(windlass_${name} PROPERTIES
    VERIFY_INTERFACE_HEADER_SETS ON UNITY_BUILD ${WINDLASS_UNITY} UNITY_BUILD_BATCH_SIZE 8)
  if(tests AND WINDLASS_TESTS)
    windlass_test(${name} SOURCES ${tests} DEPENDS windlass_${name})
  endif()
endfunction()
