#include "program/signature.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace fastnn {
namespace {

struct Line {
  const char* name;
  const char* operands;
  const char* attributes;
};

constexpr Line kLines[] = {
#define OPCODE(name, operands, attributes) {#name, operands, attributes},
#include "program/opcodes.def"
#undef OPCODE
};

constexpr const char* kTypeNames[] = {"f32", "f64", "i32", "i64", "u8"};
constexpr std::int64_t kTypeSizes[] = {4, 8, 4, 8, 1};

[[noreturn]] void refuse(const Signature& signature, const std::string& why) {
  throw std::logic_error("opcodes.def: " + std::string(signature.name) + ": " + why);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin) words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

// Index of a dim's name; a new name takes the next place.
int dim_index(Signature& signature, const std::string& name) {
  const auto found = std::find(signature.dims.begin(), signature.dims.end(), name);
  if (found == signature.dims.end()) {
    if (signature.dims.size() == kMaxDims) refuse(signature, "more than 8 dims");
    signature.dims.push_back(name);
    return static_cast<int>(signature.dims.size()) - 1;
  }
  return static_cast<int>(found - signature.dims.begin());
}

DimSpec parse_dim(Signature& signature, const std::string& text) {
  DimSpec dim{};
  const std::size_t colon = text.find(':');
  if (text == "*") {
    dim.kind = DimSpec::kRows;
  } else if (text.find_first_not_of("0123456789") == std::string::npos) {
    dim.kind = DimSpec::kLiteral;
    dim.literal = std::atoll(text.c_str());
  } else if (colon != std::string::npos) {
    dim.kind = DimSpec::kBroadcast;
    dim.index = dim_index(signature, text.substr(0, colon));
    dim.wide = dim_index(signature, text.substr(colon + 1));
  } else {
    dim.kind = DimSpec::kNamed;
    dim.index = dim_index(signature, text);
  }
  return dim;
}

OperandSpec parse_operand(Signature& signature, const std::string& text, bool output) {
  OperandSpec operand{};
  operand.text = text;
  operand.output = output;
  const std::size_t open = text.find('['), close = text.find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) {
    refuse(signature, "operand '" + text + "' has no [dims]");
  }
  const auto type = std::find(std::begin(kTypeNames), std::end(kTypeNames), text.substr(0, open));
  if (type == std::end(kTypeNames)) refuse(signature, "unknown type in '" + text + "'");
  operand.type = static_cast<ElementType>(type - std::begin(kTypeNames));
  for (const std::string& dim : split(text.substr(open + 1, close - open - 1), ',')) {
    operand.dims.push_back(parse_dim(signature, dim));
    if (operand.dims.back().kind == DimSpec::kRows && operand.dims.size() > 1) {
      refuse(signature, "'*' is not the first dim in '" + text + "'");
    }
  }
  for (const char mark : text.substr(close + 1)) {
    if (mark == '?') {
      operand.optional = true;
    } else if (mark == '!' && !output) {
      operand.in_place = true;
    } else if (mark == '~' && output) {
      operand.may_alias = true;
    } else {
      refuse(signature, "misplaced '" + std::string(1, mark) + "' in '" + text + "'");
    }
  }
  return operand;
}

Signature parse(const Line& line) {
  Signature signature{line.name, line.operands, line.attributes, {}, {}, {}};
  bool output = false;
  for (const std::string& word : split(line.operands, ' ')) {
    if (word == "->") {
      output = true;
    } else {
      signature.operands.push_back(parse_operand(signature, word, output));
    }
  }
  signature.attributes = split(line.attributes, ' ');
  if (!output) refuse(signature, "no '->'");
  if (signature.operands.size() > kMaxOperands) refuse(signature, "more than 8 operands");
  if (signature.attributes.size() > kMaxAttrs) refuse(signature, "more than 8 attributes");
  return signature;
}

}  // namespace

std::int64_t element_size(ElementType type) { return kTypeSizes[static_cast<int>(type)]; }
const char* element_name(ElementType type) { return kTypeNames[static_cast<int>(type)]; }

const std::vector<Signature>& signatures() {
  static const std::vector<Signature> all = [] {
    std::vector<Signature> parsed;
    for (const Line& line : kLines) parsed.push_back(parse(line));
    return parsed;
  }();
  return all;
}

}  // namespace fastnn
