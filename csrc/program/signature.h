// The lines of opcodes.def as data: which operands an instruction has, with which types and shapes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "program/instr.h"

namespace fastnn {

enum class ElementType : std::uint8_t { f32, f64, i32, i64, u8 };

std::int64_t element_size(ElementType type);
const char* element_name(ElementType type);

struct DimSpec {
  enum Kind : std::uint8_t {
    kNamed,      // dims[index]
    kLiteral,    // a number
    kRows,       // `*`: any number of rows, known from the bytes bound
    kBroadcast,  // dims[index], which is 1 or equal to dims[wide]
  };
  Kind kind;
  int index = 0;
  int wide = 0;
  std::int64_t literal = 0;
};

struct OperandSpec {
  std::string text;  // as written in opcodes.def
  ElementType type;
  bool output = false;     // right of the arrow
  bool in_place = false;   // `!`
  bool optional = false;   // `?`
  bool may_alias = false;  // `~`
  std::vector<DimSpec> dims;

  bool written() const { return output || in_place; }
  bool any_rows() const { return !dims.empty() && dims.front().kind == DimSpec::kRows; }
};

struct Signature {
  const char* name;
  const char* operand_text;
  const char* attribute_text;
  std::vector<OperandSpec> operands;
  std::vector<std::string> dims;        // in the order of Instr::dims
  std::vector<std::string> attributes;  // in the order of Instr::attrs
};

inline constexpr int kOpcodes = static_cast<int>(Opcode::count);

// All signatures, in the order of the opcodes; parsed once.
const std::vector<Signature>& signatures();

}  // namespace fastnn
