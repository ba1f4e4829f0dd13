#pragma once
// toml++ without exceptions. Version 3.3 tells the optimiser that a key starts with a key character before
// it has looked ("[;" breaks the promise, found by recipe_fuzz), so its promises are not passed on.

#define TOML_EXCEPTIONS 0
#include <toml++/impl/preprocessor.h>
#undef TOML_ASSUME
#define TOML_ASSUME(...) static_assert(true)
#include <toml++/toml.h>
