#include "bind/operands.h"

#include <cstring>
#include <stdexcept>

#include "bind/buffer.h"

namespace py = pybind11;

namespace fastnn::bind {

Instr read_instr(py::handle object) {
  const Buffer buffer = Buffer::of_bytes(object, "instr");
  if (buffer.memory().bytes != sizeof(Instr)) {
    throw std::invalid_argument("instr: expected one record of " + std::to_string(sizeof(Instr)) +
                                " bytes, got " + std::to_string(buffer.memory().bytes));
  }
  Instr instr;
  std::memcpy(&instr, buffer.memory().data, sizeof instr);
  return instr;
}

int space_of(const std::vector<Memory>& memory, const Memory& operand) {
  int space = 0;
  for (; space < static_cast<int>(memory.size()); ++space) {
    if (memory[space].data == operand.data && memory[space].bytes == operand.bytes &&
        memory[space].read_only == operand.read_only) {
      break;
    }
  }
  return space;
}

}  // namespace fastnn::bind
