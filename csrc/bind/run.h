// What Program and execute share: finding a kernel table, the arguments of a run, its result.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include "bind/buffer.h"
#include "cpu/kernel_table.h"
#include "program/program.h"

namespace fastnn::bind {

// The table of a named instruction set, or of the one chosen for this process.
const KernelTable& table_of(const std::optional<std::string>& isa);

// Runs without the GIL. `scalars` is None or float32 [steps, columns]; threads 0 means the default.
Report run(Runner& runner, RunArguments arguments, pybind11::handle scalars);

}  // namespace fastnn::bind
