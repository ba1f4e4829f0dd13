# LLVM/MLIR 22.1 from its versioned prefix. Links the shared libraries: one copy of every registry.
if(NOT DEFINED MLIR_DIR)
  set(MLIR_DIR /usr/lib/llvm-22/lib/cmake/mlir)
endif()
find_package(MLIR 22.1 REQUIRED CONFIG)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)
separate_arguments(TAILOR_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")
add_definitions(${TAILOR_LLVM_DEFINITIONS})
set(TAILOR_LLVM_TOOLS_DIR ${LLVM_TOOLS_BINARY_DIR})

# MLIR headers dominate compile time: one precompiled header for every MLIR-side library. Several checkouts that share a
# compiler cache build faster without it (a precompiled header is never the same in two of them).
option(TAILOR_PCH "Precompile the MLIR headers" ON)
set(TAILOR_MLIR_HEADERS
  <mlir/IR/Builders.h> <mlir/IR/BuiltinOps.h> <mlir/IR/BuiltinTypes.h> <mlir/IR/PatternMatch.h>
  <mlir/IR/OpImplementation.h> <mlir/IR/DialectImplementation.h> <mlir/IR/SymbolTable.h>
  <mlir/Interfaces/SideEffectInterfaces.h> <mlir/Interfaces/InferTypeOpInterface.h> <mlir/Pass/Pass.h>)
if(TAILOR_PCH)
  file(WRITE ${PROJECT_BINARY_DIR}/pch/anchor.cpp "")
  add_library(tailor_mlir_pch OBJECT ${PROJECT_BINARY_DIR}/pch/anchor.cpp)
  target_include_directories(tailor_mlir_pch SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  target_include_directories(tailor_mlir_pch PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  target_precompile_headers(tailor_mlir_pch PRIVATE ${TAILOR_MLIR_HEADERS})
else()
  list(TRANSFORM TAILOR_MLIR_HEADERS PREPEND "#include " OUTPUT_VARIABLE prefix)
  list(JOIN prefix "\n" prefix)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/pch/tailor_mlir_prefix.h CONTENT "${prefix}\n")
endif()

# Gives a target the common MLIR headers, precompiled if possible.
function(tailor_use_pch target)
  if(TAILOR_PCH)
    target_precompile_headers(${target} REUSE_FROM tailor_mlir_pch)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "EXECUTABLE") # would get -fPIE, but the header was compiled with -fPIC
      set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(${target} PRIVATE -fPIC)
    endif()
  else()
    target_include_directories(${target} PRIVATE ${PROJECT_BINARY_DIR}/pch)
    target_compile_options(${target} PRIVATE -include tailor_mlir_prefix.h)
  endif()
endfunction()
