#include <pybind11/stl.h>

#include <stdexcept>

#include "bind/bind.h"
#include "bind/operands.h"
#include "bind/run.h"

namespace py = pybind11;
using namespace py::literals;

namespace fastnn::bind {
namespace {

[[noreturn]] void raise_fault(const Site& site, const Report& report) {
  const std::string row = " in row " + std::to_string(report.row);
  if (report.fault == Fault::not_finite) {
    refuse(site, "element " + std::to_string(report.row) + " is not finite");
  }
  const char* what = report.fault == Fault::label_out_of_range ? "label " : "index ";
  refuse(site, what + std::to_string(report.value) + row + " is out of range, expected 0 to " +
                   std::to_string(report.limit - 1));
}

void execute(py::handle instr_record, const py::sequence& operands,
             const std::optional<std::string>& isa, int threads, std::int64_t step,
             std::int64_t row, std::uint64_t seed, py::handle scalars) {
  Instr instr = read_instr(instr_record);
  const Site site{instr, 0};
  const Signature& signature = signature_of(site);
  if (operands.size() != signature.operands.size()) {
    refuse(site, "expected " + std::to_string(signature.operands.size()) + " operands, got " +
                     std::to_string(operands.size()));
  }
  std::vector<Buffer> buffers;
  std::vector<Memory> memory;
  std::vector<Space> spaces;
  buffers.reserve(signature.operands.size());
  for (int i = 0; i < static_cast<int>(signature.operands.size()); ++i) {
    instr.operands[i] = {-1, 0, 0};
    const py::object array = operands[i];
    if (array.is_none()) continue;
    const Buffer& buffer = buffers.emplace_back(array, "operand " + std::to_string(i));
    if (!buffer.holds(signature.operands[i].type)) {
      throw py::type_error(std::string(signature.name) + ": operand " + std::to_string(i) + " '" +
                           signature.operands[i].text + "': expected elements of type " +
                           element_name(signature.operands[i].type) + ", got type '" +
                           buffer.type_name() + "'");
    }
    instr.operands[i].space = space_of(memory, buffer.memory());
    if (instr.operands[i].space == static_cast<int>(memory.size())) {
      memory.push_back(buffer.memory());
      spaces.push_back({buffer.memory().bytes, true});
    }
  }
  Runner runner(
      std::make_shared<Program>(std::vector<Instr>{instr}, std::move(spaces), table_of(isa)),
      memory);
  const Report report = run(runner, {1, row, 0, step, seed, nullptr, 0, threads}, scalars);
  if (report.fault != Fault::none) raise_fault(site, report);
}

}  // namespace

void add_execute(py::module_& module) {
  module.def("execute", &execute, "instr"_a, "operands"_a, py::kw_only(), "isa"_a = py::none(),
             "threads"_a = 1, "step"_a = 0, "row"_a = 0, "seed"_a = 0, "scalars"_a = py::none());
}

}  // namespace fastnn::bind
