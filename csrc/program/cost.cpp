#include "program/cost.h"

#include <algorithm>
#include <cstring>

#include "program/signature.h"

namespace fastnn {
namespace {

struct Work {
  double flops = 0;      // of products
  double bytes = 0;      // of all operands
  double rows = 0;       // of the longest operand: each costs something, however short it is
  double functions = 0;  // elements by evaluations of exp, log and the like
};

// What one thread needs for each of these, in ns. Measured on an AMD EPYC (Zen 4) at 3.7 GHz, with
// all three instruction sets: products of 64 to 512 wide layers, elementwise kernels of 16,384
// elements, softmax cross-entropy of 10 columns. Training steps of networks 8 to 512 wide came out
// within 30% (bench/threads.py shows what follows from it).
struct Rates {
  const char* isa;
  double flop, byte, row, function;
};
constexpr Rates kRates[] = {{"avx512", 1 / 110.0, 1 / 60.0, 5, 0.25},
                            {"avx2", 1 / 80.0, 1 / 60.0, 5, 0.4},
                            {"generic", 1 / 30.0, 1 / 40.0, 5, 1.7}};

// Where rows are short, a reduction and a function of its result one after the other are what a row
// costs: a row of a softmax or of a cross-entropy counts as so many.
constexpr double kReducedRow = 10;

const Rates& rates_of(const KernelTable& table) {
  for (const Rates& rates : kRates) {
    if (std::strcmp(table.isa, rates.isa) == 0) return rates;
  }
  return kRates[0];  // what has more than AVX-512 has that too
}

// Evaluations of exp, log and the like for an element.
int functions_of(Opcode opcode) {
  switch (opcode) {
    case Opcode::elu:
    case Opcode::selu:
    case Opcode::sigmoid:
    case Opcode::tanh:
    case Opcode::softplus_grad:
    case Opcode::exp:
    case Opcode::log:
    case Opcode::softmax:
    case Opcode::log_softmax:
    case Opcode::log_softmax_grad:
    case Opcode::log_cosh:
    case Opcode::log_cosh_grad:
    case Opcode::kl_divergence:
    case Opcode::poisson:
    case Opcode::binary_crossentropy:
    case Opcode::sigmoid_crossentropy:
    case Opcode::sigmoid_crossentropy_grad:
    case Opcode::categorical_crossentropy:
    case Opcode::softmax_crossentropy:
    case Opcode::sparse_softmax_crossentropy:
      return 1;
    case Opcode::gelu:
    case Opcode::gelu_grad:
    case Opcode::silu:
    case Opcode::silu_grad:
    case Opcode::softplus:
      return 2;
    case Opcode::gelu_tanh:
    case Opcode::gelu_tanh_grad:
    case Opcode::dropout:
      return 3;
    default:
      return 0;
  }
}

bool is_product(Opcode opcode) {
  return opcode == Opcode::matmul_nn || opcode == Opcode::matmul_nt || opcode == Opcode::matmul_tn;
}

// Elements of an operand, and its rows: of a list of vectors, how many they are.
struct Extents {
  double elements = 1, rows = 1;
};

Extents extents_of(const OperandSpec& operand, const Call& call) {
  Extents extents;
  double last = 1;
  for (const DimSpec& dim : operand.dims) {
    const double size = dim.kind == DimSpec::kLiteral ? dim.literal : call.dim[dim.index];
    extents.elements *= size;
    if (size > 1) last = size;
  }
  extents.rows = extents.elements / last;
  return extents;
}

Work work_of(const Call& call) {
  const Opcode opcode = static_cast<Opcode>(call.opcode);
  const Signature& signature = signatures()[call.opcode];
  const int functions = functions_of(opcode);
  Work work;
  double elements = 0;
  for (int i = 0; i < static_cast<int>(signature.operands.size()); ++i) {
    const OperandSpec& operand = signature.operands[i];
    if (call.operand[i] == nullptr || operand.any_rows()) continue;
    const Extents extents = extents_of(operand, call);
    work.bytes += extents.elements * element_size(operand.type);
    work.rows = std::max(work.rows, extents.rows);
    elements = std::max(elements, extents.elements);
  }
  work.functions = functions * elements;
  if (functions > 0 && work.rows > 1) work.rows *= kReducedRow;
  if (is_product(opcode)) work.flops = 2.0 * call.dim[0] * call.dim[1] * call.dim[2];
  return work;
}

}  // namespace

double alone_ns(const Call& call, const KernelTable& table) {
  const Rates& rates = rates_of(table);
  double ns = 0;
  for (const Call* part = &call; part != nullptr; part = part->next) {
    const Work work = work_of(*part);
    ns += work.flops * rates.flop + work.bytes * rates.byte + work.rows * rates.row +
          work.functions * rates.function;
  }
  return ns;
}

}  // namespace fastnn
