#include <pybind11/stl.h>

#include <stdexcept>

#include "bind/bind.h"
#include "bind/run.h"
#include "core/cpu_count.h"
#include "core/cpu_features.h"
#include "core/team.h"
#include "cpu/dispatch.h"

namespace py = pybind11;
using namespace py::literals;

namespace fastnn::bind {
namespace {

py::dict features() {
  const CpuFeatures& f = cpu_features();
  return py::dict("avx2"_a = f.avx2, "fma"_a = f.fma, "f16c"_a = f.f16c, "avx512f"_a = f.avx512f,
                  "avx512bw"_a = f.avx512bw, "avx512dq"_a = f.avx512dq, "avx512vl"_a = f.avx512vl,
                  "avx512_bf16"_a = f.avx512_bf16, "amx_tile"_a = f.amx_tile,
                  "amx_bf16"_a = f.amx_bf16);
}

std::string threads_reason() {
  const CpuCount& count = cpu_count();
  const std::string threads = std::to_string(num_threads());
  if (num_threads() != count.threads) return threads + ": set_num_threads";
  if (count.threads < count.available) return threads + ": FASTNN_NUM_THREADS";
  if (count.available < count.affinity) return threads + ": CPU quota of the control group";
  return threads + ": CPUs this process may run on";
}

py::dict info() {
  const CpuCount& count = cpu_count();
  const KernelTable& table = chosen_table();
  return py::dict("isa"_a = table.isa, "isa_reason"_a = chosen_reason(), "isas"_a = usable_isas(),
                  "bf16"_a = table.bf16 ? py::object(py::str(table.bf16)) : py::none(),
                  "features"_a = features(), "threads"_a = num_threads(),
                  "threads_reason"_a = threads_reason(), "affinity"_a = count.affinity,
                  "quota"_a = count.quota > 0 ? py::object(py::float_(count.quota)) : py::none());
}

void choose_threads(int threads) {
  if (threads < 1 || threads > kMaxThreads) {
    throw std::invalid_argument("set_num_threads: expected 1 to " + std::to_string(kMaxThreads) +
                                ", got " + std::to_string(threads));
  }
  set_num_threads(threads);
}

std::string matmul_reason(std::int64_t m, std::int64_t n, std::int64_t k, const std::string& form,
                          int precision, const std::optional<std::string>& isa) {
  if (form != "nn" && form != "nt" && form != "tn") {
    throw std::invalid_argument("matmul_reason: form is '" + form + "', expected nn, nt or tn");
  }
  if (m < 0 || n < 0 || k < 0) {
    throw std::invalid_argument("matmul_reason: expected sizes of at least 0");
  }
  if (precision < 0 || precision > 2) {
    throw std::invalid_argument("matmul_reason: precision is " + std::to_string(precision) +
                                ", expected 0, 1 or 2");
  }
  const char letter = form == "tn" ? 'a' : form == "nt" ? 'b' : 'n';
  return table_of(isa).matmul_reason(m, n, k, letter, precision);
}

}  // namespace

void add_device(py::module_& module) {
  module.def("isas", &usable_isas);
  module.def("isa", [] { return chosen_table().isa; });
  module.def("isa_reason", &chosen_reason);
  module.def("info", &info);
  module.def("num_threads", &num_threads);
  module.def("set_num_threads", &choose_threads, "threads"_a);
  module.def("matmul_reason", &matmul_reason, "m"_a, "n"_a, "k"_a, "form"_a, py::kw_only(),
             "precision"_a = 0, "isa"_a = py::none());
}

}  // namespace fastnn::bind
