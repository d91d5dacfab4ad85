// A program of a model's forward pass for a number of rows, bound to the model's memory; x and the
// result lie somewhere else in every run.
#pragma once

#include <pybind11/numpy.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "bind/buffer.h"
#include "program/lanes.h"

namespace fastnn::bind {

// What one step of a routine takes, or gives.
struct Rows {
  pybind11::ssize_t count;
  std::vector<pybind11::ssize_t> row;  // the shape of one
  pybind11::dtype dtype;

  pybind11::ssize_t row_bytes() const;
  std::vector<pybind11::ssize_t> shape() const;

  // Is `array` made of such rows, any number of them, end to end and in this machine's format?
  bool fit(const pybind11::array& array) const;
};

class Routine {
 public:
  // Which of the spaces is what.
  struct Roles {
    std::size_t arena, x, out;
  };

  // spaces: the model's arrays, and None for those that have a role.
  // plan: what the program was made from, for messages.
  Routine(std::shared_ptr<Program> program, const pybind11::sequence& spaces, Roles roles,
          std::size_t arena_bytes, Rows x, Rows out, pybind11::object plan);

  const Rows& x() const { return x_; }
  const Rows& out() const { return out_; }

  // Steps of as many rows as the routine has, one after the other, from any thread that has the
  // GIL. None, or what went wrong as the arguments of runtime/faults.py's raise_fault.
  pybind11::object run(const char* x, char* out, std::int64_t steps, std::uint64_t seed) const;

 private:
  Rows x_, out_;
  bool x_first_;
  double step_ns_;  // about, on one thread
  pybind11::object plan_;
  std::vector<Buffer> buffers_;
  std::unique_ptr<Lanes> lanes_;
};

// Do the two arrays share bytes? Both are contiguous.
bool overlap(const pybind11::array& a, const pybind11::array& b);

}  // namespace fastnn::bind
