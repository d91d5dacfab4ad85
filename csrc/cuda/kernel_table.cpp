#include "cuda/kernel_table.h"

namespace fastnn::cuda {

// Weak: a family of kernels joins by being linked, and an opcode without one has the address 0.
#define OPCODE(name, operands, attributes) [[gnu::weak]] void name(const Call&, Stream&);
#include "program/opcodes.def"
#undef OPCODE

Kernel kernel_of(std::uint16_t opcode) {
  static const Kernel kernels[] = {
#define OPCODE(name, operands, attributes) &name,
#include "program/opcodes.def"
#undef OPCODE
  };
  return kernels[opcode];
}

const KernelTable& kernels_there() {
  static const KernelTable table = [] {
    KernelTable table{};
    table.isa = "cuda";
    for (int i = 0; i < static_cast<int>(Opcode::count); ++i) {
      if (kernel_of(i) != nullptr) table.kernels[i] = [](const Call&, const Share&) {};
    }
    return table;
  }();
  return table;
}

}  // namespace fastnn::cuda
