# `cmake --install`: programs, libraries and public headers, in two components. "runtime" has no compiler in it and needs
# none: tailor-run, and the libraries that run an artifact. "compiler" is the rest.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(TAILOR_CONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Tailor)
set(TAILOR_HEADER_DIR ${CMAKE_INSTALL_INCLUDEDIR}/tailor)

# The component that the targets of the current folder belong to.
function(tailor_install_component out)
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  if(folder MATCHES "^(runtime|tools/tailor-run)(/|$)")
    set(${out} runtime PARENT_SCOPE)
  else()
    set(${out} compiler PARENT_SCOPE)
  endif()
endfunction()

# tailor_install(TARGET): a library users link as Tailor::NAME, tailor_NAME in the tree; or a program.
function(tailor_install name)
  tailor_install_component(component)
  get_target_property(type ${name} TYPE)
  if(type STREQUAL "EXECUTABLE")
    # LLVM and MLIR stay where they were found.
    set_target_properties(${name} PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component})
    return()
  endif()
  string(REGEX REPLACE "^tailor_" "" short ${name})
  add_library(Tailor::${short} ALIAS ${name})
  set_target_properties(${name} PROPERTIES EXPORT_NAME ${short})
  install(TARGETS ${name} EXPORT Tailor_${component}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/tailor COMPONENT ${component}
          INCLUDES DESTINATION ${TAILOR_HEADER_DIR})
endfunction()

# tailor_install_headers(COMPONENT ROOT header...): the headers, paths below the source folder, and all that they include.
# ROOT is the part of their path that users leave out: "frontend" for <tailor/tailor.h>, or "" (which all others have).
function(tailor_install_headers component root)
  set(pending ${ARGN})
  get_property(done GLOBAL PROPERTY TAILOR_PUBLIC_HEADERS)
  while(pending)
    list(POP_FRONT pending header)
    if(header IN_LIST done)
      continue()
    endif()
    list(APPEND done ${header})
    set(path ${PROJECT_SOURCE_DIR}/${header})
    # Another header may be included from now on: then what is installed changes too.
    set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    cmake_path(GET header PARENT_PATH folder)
    if(root)
      cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${root})
    endif()
    install(FILES ${path} DESTINATION ${TAILOR_HEADER_DIR}/${folder} COMPONENT ${component})
    file(STRINGS ${path} includes REGEX "^#include \"(frontend|runtime|tools)/")
    foreach(line ${includes})
      string(REGEX REPLACE "^#include \"([^\"]+)\".*$" "\\1" included ${line})
      list(APPEND pending ${included})
    endforeach()
    set(root "")
  endwhile()
  set_property(GLOBAL PROPERTY TAILOR_PUBLIC_HEADERS "${done}")
endfunction()

# tailor_install_package(): the files by which find_package(Tailor) finds what was installed. Last in the project.
function(tailor_install_package)
  tailor_install_headers(runtime "" runtime/data/augmentation.h runtime/data/sampler.h runtime/data/source.h
                         runtime/metrics/metric.h
                         runtime/options/schedule_keys.h runtime/train/schedule.h
                         tools/tailor-run/run_command.h)
  install(EXPORT Tailor_runtime FILE TailorRuntime.cmake NAMESPACE Tailor:: DESTINATION ${TAILOR_CONFIG_DIR}
          COMPONENT runtime)
  if(TAILOR_BUILD_COMPILER)
    tailor_install_headers(compiler frontend frontend/tailor/tailor.h)
    install(EXPORT Tailor_compiler FILE TailorCompiler.cmake NAMESPACE Tailor:: DESTINATION ${TAILOR_CONFIG_DIR}
            COMPONENT compiler)
    install(FILES ${PROJECT_SOURCE_DIR}/tools/cmake/TailorProgram.cmake DESTINATION ${TAILOR_CONFIG_DIR}
            COMPONENT compiler)
  endif()
  configure_package_config_file(${PROJECT_SOURCE_DIR}/tools/cmake/TailorConfig.cmake.in
                                ${PROJECT_BINARY_DIR}/package/TailorConfig.cmake
                                INSTALL_DESTINATION ${TAILOR_CONFIG_DIR} PATH_VARS TAILOR_HEADER_DIR)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/TailorConfigVersion.cmake
                                   COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/package/TailorConfig.cmake
                ${PROJECT_BINARY_DIR}/package/TailorConfigVersion.cmake
          DESTINATION ${TAILOR_CONFIG_DIR} COMPONENT runtime)
endfunction()
