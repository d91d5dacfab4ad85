#include <pybind11/stl.h>

#include <cstring>
#include <stdexcept>

#include "bind/arguments.h"
#include "bind/bind.h"
#include "bind/run.h"

namespace py = pybind11;
using namespace py::literals;

namespace fastnn::bind {
namespace {

std::vector<Instr> read_instrs(py::handle object) {
  const Buffer buffer = Buffer::of_bytes(object, "instrs");
  const Memory memory = buffer.memory();
  if (memory.bytes % sizeof(Instr) != 0) {
    throw std::invalid_argument("instrs: expected records of " + std::to_string(sizeof(Instr)) +
                                " bytes, got " + std::to_string(memory.bytes) + " bytes");
  }
  std::vector<Instr> instrs(memory.bytes / sizeof(Instr));
  if (memory.bytes > 0) std::memcpy(instrs.data(), memory.data, memory.bytes);
  return instrs;
}

std::shared_ptr<Program> make_program(py::handle instrs, const std::vector<std::int64_t>& sizes,
                                      const std::optional<std::vector<bool>>& writable,
                                      const std::optional<std::string>& isa) {
  if (writable && writable->size() != sizes.size()) {
    throw std::invalid_argument("writable: expected one value for each of the " +
                                std::to_string(sizes.size()) + " spaces, got " +
                                std::to_string(writable->size()));
  }
  std::vector<Space> spaces;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < kAnySize) {
      throw std::invalid_argument("space_bytes: space " + std::to_string(i) + " has " +
                                  std::to_string(sizes[i]) +
                                  " bytes, expected at least 0, or -1 for any size");
    }
    spaces.push_back({sizes[i], writable ? static_cast<bool>((*writable)[i]) : true});
  }
  return std::make_shared<Program>(read_instrs(instrs), std::move(spaces), table_of(isa));
}

// A runner and the arrays it runs on.
struct BoundRunner {
  BoundRunner(std::shared_ptr<const Program> program, std::vector<Buffer> held,
              const std::vector<Memory>& memory)
      : buffers(std::move(held)), runner(std::move(program), memory) {}

  std::vector<Buffer> buffers;
  Runner runner;
};

std::unique_ptr<BoundRunner> bind_spaces(std::shared_ptr<Program> program,
                                         const py::sequence& spaces) {
  std::vector<Buffer> buffers;
  std::vector<Memory> memory;
  buffers.reserve(spaces.size());
  for (const py::object space : spaces) {
    if (space.is_none()) {
      memory.push_back({});
      continue;
    }
    buffers.emplace_back(space, "space " + std::to_string(memory.size()));
    memory.push_back(buffers.back().memory());
  }
  return std::make_unique<BoundRunner>(std::move(program), std::move(buffers), memory);
}

py::object run_steps(BoundRunner& bound, std::int64_t steps, std::int64_t row, std::int64_t batch,
                     std::int64_t step, std::uint64_t seed, py::handle scalars, int threads) {
  const Report report =
      run(bound.runner, {steps, row, batch, step, seed, nullptr, 0, threads}, scalars);
  return told(report);
}

}  // namespace

void add_program(py::module_& module) {
  module.def("opcodes", [] {
    py::list lines;
    for (const Signature& s : signatures()) {
      lines.append(py::make_tuple(s.name, s.operand_text, s.attribute_text));
    }
    return lines;
  });
  py::class_<Program, std::shared_ptr<Program>>(module, "Program")
      .def(py::init(&make_program), "instrs"_a, "space_bytes"_a, py::kw_only(),
           "writable"_a = py::none(), "isa"_a = py::none())
      .def("bind", &bind_spaces, "spaces"_a)
      .def("__len__", [](const Program& program) { return program.instrs().size(); })
      .def_property_readonly("scalar_columns", &Program::scalar_columns);
  py::class_<BoundRunner>(module, "Runner")
      .def("run", &run_steps, "steps"_a = 1, "row"_a = 0, "batch"_a = 0, "step"_a = 0, "seed"_a = 0,
           "scalars"_a = py::none(), "threads"_a = 0)
      .def(
          "team_size",
          [](const BoundRunner& bound, int threads) { return bound.runner.team_size(threads); },
          "threads"_a)
      .def_property_readonly("alone_ns",
                             [](const BoundRunner& bound) { return bound.runner.alone_ns(); })
      .def_property_readonly("changes",
                             [](const BoundRunner& bound) { return bound.runner.changes(); });
}

}  // namespace fastnn::bind
