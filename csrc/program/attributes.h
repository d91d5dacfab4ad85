// What each attribute may be, by its name.
#pragma once

#include <string_view>

namespace fastnn {

// An empty answer: the value is fine. Otherwise: what was expected.
const char* attribute_expected(std::string_view name, double value);

}  // namespace fastnn
