# What `make install` lays down: the program, its Python package beside it, and the C++ client and worker SDK with
# headers and a CMake package.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS windlass RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/python/windlass DESTINATION lib/windlass/python COMPONENT runtime
        FILES_MATCHING PATTERN "*.py" PATTERN "py.typed" PATTERN "__pycache__" EXCLUDE)
# The emulated driver libraries by soname, and beside them the tool that makes and
# breaks nodes, and the checks that emulator and real drivers share.
install(TARGETS windlass_emulated_cuda windlass_emulated_nvidia-ml
        LIBRARY DESTINATION lib/windlass/emulator COMPONENT runtime NAMELINK_SKIP)
install(TARGETS windlass-emulator windlass-conformance RUNTIME DESTINATION lib/windlass/emulator COMPONENT runtime)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/windlass DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS windlass_client_library windlass_worker_library EXPORT windlassTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/windlass)
install(EXPORT windlassTargets NAMESPACE windlass:: DESTINATION ${package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/windlassConfig.cmake.in
  ${PROJECT_BINARY_DIR}/windlassConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/windlassConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/windlassConfig.cmake ${PROJECT_BINARY_DIR}/windlassConfigVersion.cmake
        DESTINATION ${package_dir})
