# What a user's CMake project has too: an installed Tailor comes with this file (TailorConfig.cmake). Whoever includes it
# sets TAILOR_INCLUDE_DIR, the folder that "frontend/graph/array.h" is in.
set(TAILOR_INCLUDE_DIR "${TAILOR_INCLUDE_DIR}" CACHE INTERNAL "where Tailor's headers are")

# tailor_relative_places(NAME): places in the code of a target (std::source_location) are relative to the folder of
# Tailor. Whatever records ops or options needs it: their places are stored in artifacts, which must not depend on where
# Tailor was built or installed.
function(tailor_relative_places name)
  target_compile_options(${name} PRIVATE -ffile-prefix-map=${TAILOR_INCLUDE_DIR}/=)
endfunction()

# tailor_program(NAME source.cpp...): a C++ program of arrays or training, with the compiler inside: data::csv and
# Array::eval work from the first line of main(), tailor::main is Tailor's command line. Every component of Tailor is in it,
# and what the sources register. Places in its code are stored and printed relative to this folder, so that the artifact is
# the same wherever it is built.
function(tailor_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE Tailor::main Tailor::program_services)
  tailor_relative_places(${name})
  target_compile_options(${name} PRIVATE -ffile-prefix-map=${CMAKE_CURRENT_SOURCE_DIR}/=)
endfunction()
