# WINDLASS_PORTABLE: a program that runs from any folder of any machine with glibc 2.35. What has a static
# archive is linked statically, fmt and spdlog are header-only, and what is left travels in lib/ beside bin/;
# packaging/portable/assemble.py puts the folder together.
set(WINDLASS_FMT fmt::fmt)
set(WINDLASS_SPDLOG spdlog::spdlog)
if(NOT WINDLASS_PORTABLE)
  return()
endif()

set(WINDLASS_FMT fmt::fmt-header-only)
# Not spdlog::spdlog_header_only: that of Debian 12 asks for the shared fmt.
add_library(windlass_spdlog INTERFACE)
target_compile_definitions(windlass_spdlog INTERFACE SPDLOG_FMT_EXTERNAL)
set(WINDLASS_SPDLOG windlass_spdlog)
set(Boost_USE_STATIC_LIBS ON)

# libstdc++ and libgcc are those of the machine, GCC 12 or newer (manylinux_2_35 promises them): the libraries
# in lib/ need them shared, and a process must not have two of them.
# DT_RPATH, not DT_RUNPATH: it counts for what the libraries in lib/ need, too.
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
set(CMAKE_INSTALL_RPATH "$ORIGIN/../lib")
add_link_options(LINKER:--disable-new-dtags)

# Linked into the program: it takes the place of functions that an older glibc lacks.
add_library(windlass_glibc OBJECT ${PROJECT_SOURCE_DIR}/packaging/portable/glibc.cpp)
