// A program that is wrong before tailor::main could be called with it.
#include <tailor/tailor.h>
using namespace tailor;

struct Broken {
  TrainingProgram program{"broken"};
  data::Plan plan;
  Broken() : plan(data::blobs({.long_tail = {.r = 100}})) {}
};

int main(int argc, char** argv) {
  return tailor::main<Broken>(argc, argv);
}
