// What only tests ask: does the team meet at its barriers, how is a control group read, where do
// the fields of an instruction lie.
#include <sched.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "bind/bind.h"
#include "core/cpu_count.h"
#include "core/team.h"
#include "program/instr.h"
#include "program/pace.h"

namespace py = pybind11;
using namespace py::literals;

namespace fastnn::bind {
namespace {

// Every part writes the round it is in, meets the others, and must then find everybody's number
// there; a second meeting keeps the quick from overwriting what the slow still read.
py::tuple barrier_check(int threads, int rounds) {
  if (threads < 1 || threads > kMaxThreads || rounds < 0) {
    throw std::invalid_argument("barrier_check: expected threads from 1 to " +
                                std::to_string(kMaxThreads) + " and rounds of at least 0");
  }
  struct alignas(64) Slot {
    int round = -1;
  };
  std::vector<Slot> slots(threads);
  std::atomic<std::int64_t> failures{0};
  int parts = 0;
  double seconds = 0;
  {
    const py::gil_scoped_release released;
    const auto begin = std::chrono::steady_clock::now();
    parts = run_on_team(threads, 0, [&](Member& member) {
      for (int round = 0; round < rounds; ++round) {
        slots[member.part].round = round;
        member.meet();
        for (int part = 0; part < member.parts; ++part) {
          if (slots[part].round != round) ++failures;
        }
        member.meet();
      }
    });
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  return py::make_tuple(parts, failures.load(), seconds);
}

// Two threads on one CPU: where does the second run once it has been woken, and may it still run on
// as many CPUs as before? (CPU of the first, of the second, CPUs allowed before, after)
py::tuple seating_check() {
  cpu_set_t own, one;
  sched_getaffinity(0, sizeof own, &own);
  const int here = sched_getcpu();
  CPU_ZERO(&one);
  CPU_SET(here, &one);
  int there = -1, allowed = 0;
  sched_setaffinity(0, sizeof one, &one);
  {
    const py::gil_scoped_release released;
    std::thread([&] {
      sched_setaffinity(0, sizeof own, &own);  // still here: nothing has moved it
      auto seating = std::make_unique<Seating>();
      seating->note(1);
      seating->note(0);  // as if the first thread had said so
      seating->woken(1, 2);
      there = sched_getcpu();
      cpu_set_t after;
      sched_getaffinity(0, sizeof after, &after);
      allowed = CPU_COUNT(&after);
    }).join();
  }
  sched_setaffinity(0, sizeof own, &own);
  return py::make_tuple(here, there, CPU_COUNT(&own), allowed);
}

py::object quota(const std::string& root) {
  const double cpus = cgroup_quota(root);
  return cpus > 0 ? py::object(py::float_(cpus)) : py::none();
}

py::dict instr_layout() {
  return py::dict("size"_a = sizeof(Instr), "opcode"_a = offsetof(Instr, opcode),
                  "flags"_a = offsetof(Instr, flags), "node"_a = offsetof(Instr, node),
                  "dims"_a = offsetof(Instr, dims), "attrs"_a = offsetof(Instr, attrs),
                  "operands"_a = offsetof(Instr, operands), "ref_size"_a = sizeof(Ref),
                  "ref_space"_a = offsetof(Ref, space), "ref_offset"_a = offsetof(Ref, offset));
}

}  // namespace

void add_checks(py::module_& module) {
  module.def("barrier_check", &barrier_check, "threads"_a, "rounds"_a);
  module.def("seating_check", &seating_check);
  module.def("cgroup_quota", &quota, "root"_a);
  module.def(
      "default_threads",
      [](int affinity, double quota, int environment) {
        return combine(affinity, quota, environment).threads;
      },
      "affinity"_a, "quota"_a, "environment"_a);
  py::class_<Pace>(module, "Pace")
      .def(py::init<int, double>(), "threads"_a, "alone_ns"_a)
      .def("passed", &Pace::passed, "ns"_a)
      .def("idled", &Pace::idled, "ns"_a)
      .def_property_readonly("team", &Pace::team);
  module.def("instr_layout", &instr_layout);
}

}  // namespace fastnn::bind
