// Tailor's command line for recipes, which may name what the other files of this binary register.
#include <tailor/tailor.h>

int main(int argc, char** argv) {
  return tailor::main(argc, argv);
}
