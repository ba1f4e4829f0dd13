# Compiler settings and the two functions every folder uses.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

find_program(TAILOR_CCACHE ccache)
if(TAILOR_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TAILOR_CCACHE})
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  find_program(TAILOR_LLD NAMES ld.lld-22 ld.lld)
  if(TAILOR_LLD)
    add_link_options(-fuse-ld=${TAILOR_LLD} -Wl,--icf=safe) # functions of equal code once, where no address is compared
  endif()
endif()
add_link_options(-Wl,--gc-sections)
add_compile_options(-Wall -Wextra -Wno-unused-parameter -ffunction-sections -fdata-sections)
# libstdc++ 12's std::stable_sort calls a function it declares deprecated; clang 22 says so at every use.
add_compile_options(-Wno-deprecated-declarations)
if(TAILOR_SANITIZE)
  add_compile_options(-fsanitize=${TAILOR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -g1)
  add_link_options(-fsanitize=${TAILOR_SANITIZE})
endif()
if(TAILOR_BUILD_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link) # coverage of the libraries, not only of the fuzz targets
endif()
find_package(Threads REQUIRED)
include(TailorInstall)
set(TAILOR_INCLUDE_DIR ${PROJECT_SOURCE_DIR})
include(TailorProgram)

# tailor_library(NAME [LINK libs...]): one folder, one library, all its *.cpp. Includes are written from the
# repository root: #include "runtime/base/status.h".
function(tailor_library name)
  cmake_parse_arguments(ARG "" "" "LINK;EXCLUDE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  foreach(file ${ARG_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()
  if(sources)
    add_library(${name} STATIC ${sources})
    target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}>)
    target_link_libraries(${name} PUBLIC ${ARG_LINK})
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}>)
    target_link_libraries(${name} INTERFACE ${ARG_LINK})
  endif()
  tailor_install(${name})
endfunction()

# tailor_components(NAME [LINK libs...]): a folder whose files register components (runtime/options/component.h) before
# main() runs. Nobody refers to them by name, so a linker that takes from a library what is asked for would leave them
# out: whoever links NAME gets all of them.
function(tailor_components name)
  tailor_library(${name}_files ${ARGN})
  tailor_relative_places(${name}_files)
  tailor_link_whole(${name} ${name}_files)
endfunction()

# tailor_link_whole(NAME FILES): whoever links NAME gets every object of the static library FILES.
function(tailor_link_whole name files)
  string(REGEX REPLACE "^tailor_" "Tailor::" installed ${files}) # the name that it has in other projects too
  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE $<LINK_LIBRARY:WHOLE_ARCHIVE,${installed}>)
  tailor_install(${name})
endfunction()

# tailor_mlir_library(NAME ...): the same for a folder that includes MLIR headers (precompiled header, generated
# dialect headers first).
function(tailor_mlir_library name)
  tailor_library(${name} ${ARGN})
  get_target_property(type ${name} TYPE)
  if(NOT type STREQUAL "INTERFACE_LIBRARY")
    target_include_directories(${name} SYSTEM PUBLIC "$<BUILD_INTERFACE:${LLVM_INCLUDE_DIRS}>"
                               "$<BUILD_INTERFACE:${MLIR_INCLUDE_DIRS}>")
    add_dependencies(${name} tailor_ir_headers)
    tailor_use_pch(${name})
  endif()
endfunction()

# The tests that run under the address and the thread sanitizers: nobody needs the others in those builds.
add_custom_target(sanitized_tests)
add_custom_target(threaded_tests)

# tailor_test(NAME LINK libs... [LABELS sanitize threads]): one GoogleTest program from the *_test.cpp of this folder and below.
function(tailor_test name)
  cmake_parse_arguments(ARG "" "" "LINK;LABELS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE TAILOR_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                             TAILOR_BINARY_DIR="${PROJECT_BINARY_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  if(ARG_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}")
  endif()
  if("sanitize" IN_LIST ARG_LABELS)
    add_dependencies(sanitized_tests ${name})
  endif()
  if("threads" IN_LIST ARG_LABELS)
    add_dependencies(threaded_tests ${name})
  endif()
endfunction()

# tailor_fuzzer(NAME LINK libs...): a libFuzzer program from NAME.cpp, built only with TAILOR_BUILD_FUZZERS.
add_custom_target(fuzzers)
function(tailor_fuzzer name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  if(TAILOR_BUILD_FUZZERS)
    add_executable(${name} ${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp)
    target_link_libraries(${name} PRIVATE ${ARG_LINK})
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${name})
  endif()
endfunction()
