#include "program/cost.h"

#include <algorithm>
#include <cstring>

#include "program/signature.h"

namespace fastnn {
namespace {

// What one thread does in a ns, and what each row of a matrix costs it beside that, whatever its
// length.
struct Rates {
  const char* isa;
  double flops;  // of a product
  double bytes;  // that operands take, in the caches
  double row_ns;
};
constexpr Rates kRates[] = {{"avx512", 110, 60, 5}, {"avx2", 80, 40, 6}, {"generic", 30, 20, 5}};

const Rates& rates_of(const KernelTable& table) {
  for (const Rates& rates : kRates) {
    if (std::strncmp(table.isa, rates.isa, std::strlen(rates.isa)) == 0) return rates;
  }
  return kRates[0];
}

bool is_product(int opcode) {
  return opcode == static_cast<int>(Opcode::matmul_nn) ||
         opcode == static_cast<int>(Opcode::matmul_nt) ||
         opcode == static_cast<int>(Opcode::matmul_tn);
}

// The rows of an operand: of a list of vectors, how many they are.
double rows_of(const OperandSpec& operand, const Call& call) {
  if (operand.any_rows() || operand.dims.size() < 2) return 0;
  double rows = 1;
  for (std::size_t i = 0; i + 1 < operand.dims.size(); ++i) {
    const DimSpec& dim = operand.dims[i];
    rows *= dim.kind == DimSpec::kLiteral ? dim.literal : call.dim[dim.index];
  }
  return rows;
}

}  // namespace

double alone_ns(const Call& call, const KernelTable& table) {
  const Rates& rates = rates_of(table);
  double ns = 0;
  for (const Call* part = &call; part != nullptr; part = part->next) {
    const Signature& signature = signatures()[part->opcode];
    double bytes = 0, rows = 0;
    for (int i = 0; i < static_cast<int>(signature.operands.size()); ++i) {
      const OperandSpec& operand = signature.operands[i];
      if (!operand.any_rows()) bytes += static_cast<double>(part->bytes[i]);
      rows = std::max(rows, rows_of(operand, *part));
    }
    ns += bytes / rates.bytes + rows * rates.row_ns;
    if (is_product(part->opcode)) {
      const double m = part->dim[0], n = part->dim[1], k = part->dim[2];
      ns += 2 * m * n * k / rates.flops;
    }
  }
  return ns;
}

}  // namespace fastnn
