// Which kernel table serves: the fastest this CPU can run, or the one FASTNN_ISA names.
#pragma once

#include <string>
#include <vector>

#include "cpu/kernel_table.h"

namespace fastnn {

// The names that table_named accepts on this CPU, from the plainest to the fastest.
std::vector<std::string> usable_isas();

// Throws std::invalid_argument, and says what there is, where `name` is not built or not usable.
const KernelTable& table_named(const std::string& name);

// Decided at the first call, for the life of the process. Throws as table_named does, naming
// FASTNN_ISA.
const KernelTable& chosen_table();
const std::string& chosen_reason();

}  // namespace fastnn
