#include "program/validate.h"

#include <algorithm>
#include <stdexcept>

#include "program/attributes.h"
#include "program/product.h"

namespace fastnn {
namespace {

// An operand without bytes may still have many empty rows; a kernel would walk through them all.
constexpr std::int64_t kMaxEmptyRows = std::int64_t{1} << 32;

std::string number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

void check_dims(const Site& site, const Signature& signature) {
  const int count = static_cast<int>(signature.dims.size());
  for (int i = 0; i < kMaxDims; ++i) {
    const std::int64_t value = site.instr.dims[i];
    if (i < count && value < 0) {
      refuse(site, "dim '" + signature.dims[i] + "' is " + std::to_string(value) +
                       ", expected at least 0");
    }
    if (i >= count && value != 0) {
      refuse(site, "dim number " + std::to_string(i) + " is " + std::to_string(value) +
                       ", but this opcode has " + std::to_string(count) + " dims");
    }
  }
}

void check_attributes(const Site& site, const Signature& signature) {
  const int count = static_cast<int>(signature.attributes.size());
  for (int i = 0; i < kMaxAttrs; ++i) {
    const double value = site.instr.attrs[i];
    if (i >= count) {
      if (value != 0) {
        refuse(site, "attribute number " + std::to_string(i) + " is " + number(value) +
                         ", but this opcode has " + std::to_string(count) + " attributes");
      }
    } else if (const char* expected = attribute_expected(signature.attributes[i], value)) {
      refuse(site, "attribute '" + signature.attributes[i] + "' is " + number(value) +
                       ", expected " + expected);
    }
  }
}

// The size of one dim of an operand; `*` counts as one row.
std::int64_t dim_size(const Site& site, const Signature& signature, int operand,
                      const DimSpec& dim) {
  switch (dim.kind) {
    case DimSpec::kRows:
      return 1;
    case DimSpec::kLiteral:
      return dim.literal;
    case DimSpec::kNamed:
      return site.instr.dims[dim.index];
    case DimSpec::kBroadcast:
      break;
  }
  const std::int64_t size = site.instr.dims[dim.index], wide = site.instr.dims[dim.wide];
  if (size != 1 && size != wide) {
    refuse(site, operand,
           "dim '" + signature.dims[dim.index] + "' is " + std::to_string(size) +
               ", expected 1 or '" + signature.dims[dim.wide] + "', which is " +
               std::to_string(wide));
  }
  return size;
}

std::int64_t operand_bytes(const Site& site, const Signature& signature, int operand) {
  const OperandSpec& spec = signature.operands[operand];
  std::int64_t bytes = element_size(spec.type);
  std::int64_t rows = bytes;  // the same product with 1 for 0: kernels multiply some of the dims
  for (const DimSpec& dim : spec.dims) {
    const std::int64_t size = dim_size(site, signature, operand, dim);
    if (__builtin_mul_overflow(rows, std::max<std::int64_t>(size, 1), &rows)) {
      refuse(site, operand, "its size overflows 64 bits");
    }
    bytes *= size;
  }
  if (spec.any_rows() && bytes == 0) {
    refuse(site, operand, "its rows are empty, expected a width of at least 1");
  }
  if (bytes == 0 && rows > kMaxEmptyRows) {
    refuse(site, operand, "it is empty, but another of its dims is enormous");
  }
  return bytes;
}

// Dims that follow from others by more than equality.
void check_blocks(const Site& site, const Signature& signature) {
  if (site.instr.opcode != static_cast<std::uint16_t>(Opcode::square_sums)) return;
  const std::int64_t n = site.instr.dims[0], blocks = site.instr.dims[1];
  const std::int64_t expected = n / kReductionBlock + (n % kReductionBlock != 0);
  if (blocks != expected) {
    refuse(site, "dim '" + signature.dims[1] + "' is " + std::to_string(blocks) + ", expected " +
                     std::to_string(expected) + " blocks of " + std::to_string(kReductionBlock));
  }
}

// Is it an optimizer's step? Those begin with `parameter!, gradient`.
bool is_update(const Instr& instr) {
  const std::vector<std::string>& names = signatures()[instr.opcode].attributes;
  return !names.empty() && names.front() == "column";
}

// Is kHalved meant for it?
bool may_be_halved(Opcode opcode) {
  switch (opcode) {
    case Opcode::gather_u8_f32:
    case Opcode::gather_i32_f32:
    case Opcode::gather_i64_f32:
    case Opcode::gather_f32_f32:
    case Opcode::gather_f64_f32:
    case Opcode::matmul_nn:
    case Opcode::matmul_tn:
      return true;
    default:
      return false;
  }
}

std::string range_text(const Extent& extent) {
  return "bytes [" + std::to_string(extent.begin) + ", " + std::to_string(extent.end) + ")";
}

}  // namespace

void refuse(const Site& site, const std::string& message) {
  const bool known = site.instr.opcode < kOpcodes;
  throw std::invalid_argument("instruction " + std::to_string(site.index) + " (" +
                              (known ? signatures()[site.instr.opcode].name
                                     : "opcode " + std::to_string(site.instr.opcode)) +
                              ", node " + std::to_string(site.instr.node) + "): " + message);
}

void refuse(const Site& site, int operand, const std::string& message) {
  refuse(site, "operand " + std::to_string(operand) + " '" +
                   signatures()[site.instr.opcode].operands[operand].text + "': " + message);
}

const Signature& signature_of(const Site& site) {
  if (site.instr.opcode >= kOpcodes) {
    refuse(site, "unknown opcode, expected one below " + std::to_string(kOpcodes));
  }
  return signatures()[site.instr.opcode];
}

Footprint check_shapes(const Site& site, const Signature& signature) {
  if (site.instr.flags & ~(kBarrier | kSerial | kChained | kHalved)) {
    refuse(site, "unknown flags " + std::to_string(site.instr.flags));
  }
  if (site.instr.flags & kHalved && !may_be_halved(static_cast<Opcode>(site.instr.opcode))) {
    refuse(site, "its rows are to lie in halves, expected of gathers and products only");
  }
  check_dims(site, signature);
  check_attributes(site, signature);
  Footprint footprint;
  for (int i = 0; i < static_cast<int>(signature.operands.size()); ++i) {
    const std::int64_t bytes = operand_bytes(site, signature, i);
    const bool absent = site.instr.operands[i].space == -1;
    if (absent && !signature.operands[i].optional) refuse(site, i, "it is absent, expected always");
    footprint.bytes[i] = absent ? 0 : bytes;
  }
  check_blocks(site, signature);
  return footprint;
}

void check_aliasing(const Site& site, const Signature& signature, const Extent* extents) {
  const int count = static_cast<int>(signature.operands.size());
  for (int i = 0; i < count; ++i) {
    const OperandSpec& written = signature.operands[i];
    if (!written.written() || extents[i].space < 0) continue;
    for (int j = 0; j < count; ++j) {
      if (i == j || !extents[i].overlaps(extents[j])) continue;
      const OperandSpec& other = signature.operands[j];
      const bool same = extents[i].begin == extents[j].begin && extents[i].end == extents[j].end;
      if (written.may_alias && same && !other.written() && written.type == other.type) continue;
      refuse(site, i,
             "it is written, at " + range_text(extents[i]) + ", and overlaps operand " +
                 std::to_string(j) + " '" + other.text + "' at " + range_text(extents[j]) +
                 (written.may_alias ? "; only exactly the same bytes of an input of the "
                                      "same type may be shared"
                                    : ""));
    }
  }
}

void check_chain(const Site& site, const Extent* extents, const Site& next,
                 const Extent* next_extents) {
  constexpr int kGradient = 1;
  const Opcode opcode = static_cast<Opcode>(site.instr.opcode);
  if (opcode != Opcode::matmul_nn && opcode != Opcode::matmul_nt && opcode != Opcode::matmul_tn) {
    refuse(site, "it is chained, expected of matrix products only");
  }
  if (!is_update(next.instr)) refuse(next, "it follows a chained product, expected an optimizer");
  const int flags = site.instr.flags & kSerial;
  if (next.instr.flags != flags) {
    refuse(next, "it is done by the chained product before it: its flags are " +
                     std::to_string(next.instr.flags) + ", expected " + std::to_string(flags));
  }
  const Extent &made = extents[kResult], &used = next_extents[kGradient];
  if (made.space != used.space || made.begin != used.begin || made.end != used.end) {
    refuse(next, kGradient,
           "at " + range_text(used) + ", is not the result of the chained product before it, at " +
               range_text(made));
  }
  const std::vector<OperandSpec>& specs = signatures()[site.instr.opcode].operands;
  const std::vector<OperandSpec>& next_specs = signatures()[next.instr.opcode].operands;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    for (std::size_t j = 0; j < next_specs.size(); ++j) {
      if (!specs[i].written() && !next_specs[j].written()) continue;
      if (i == kResult && j == kGradient) continue;
      if (extents[i].space < 0 || !extents[i].overlaps(next_extents[j])) continue;
      refuse(next, static_cast<int>(j),
             "at " + range_text(next_extents[j]) + ", overlaps operand " + std::to_string(i) +
                 " of the chained product before it, at " + range_text(extents[i]));
    }
  }
}

// The kernels in cpu/kernels/optimizer.h say what the columns are: the rate, the decay; nadam's
// rule has three more.
std::int64_t scalar_columns(const Instr& instr) {
  if (!is_update(instr)) return 0;
  const bool nadam = instr.opcode == static_cast<std::uint16_t>(Opcode::nadam);
  return static_cast<std::int64_t>(instr.attrs[0]) + (nadam ? 5 : 2);
}

}  // namespace fastnn
