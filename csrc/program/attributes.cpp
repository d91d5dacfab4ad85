#include "program/attributes.h"

#include <cmath>

#include "cpu/activation.h"

namespace fastnn {
namespace {

// Whole numbers are stored as doubles; these limits keep their conversion back defined.
bool whole(double value, double low, double high) {
  return value >= low && value < high && value == std::floor(value);
}

constexpr double kTwo31 = 2147483648.0;
constexpr double kTwo32 = 4294967296.0;

}  // namespace

const char* attribute_expected(std::string_view name, double value) {
  if (std::isnan(value)) return "a number, not NaN";
  if (name == "activation") {
    if (!whole(value, 0, static_cast<double>(Activation::count))) {
      return "the number of an activation";
    }
  } else if (name == "precision") {
    if (!whole(value, 0, 3)) return "0, 1 or 2";
  } else if (name == "k") {
    if (!whole(value, 1, kTwo31)) return "a whole number of at least 1";
  } else if (name == "column") {
    if (!whole(value, 0, 1 << 20)) return "a column of the table of scalars";
  } else if (name == "stream" || name == "producer") {
    if (!whole(value, 0, kTwo32)) return "a whole number of 32 bits";
  } else if (name == "ignore") {
    if (!whole(value, -kTwo31, kTwo31)) return "a label: a whole number of 32 bits";
  } else if (name == "rate") {
    if (!(value >= 0 && value <= 1)) return "a probability from 0 to 1";
  } else if (name == "nesterov") {
    if (value != 0 && value != 1) return "0 or 1";
  }
  return nullptr;
}

}  // namespace fastnn
