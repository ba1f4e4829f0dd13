// What is looked for, and not called: cuDNN needs it, its double does not.
namespace tailor::backend::testing {
extern const int kCublasLtDouble;
const int kCublasLtDouble = 13;
} // namespace tailor::backend::testing
