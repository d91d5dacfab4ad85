// The affinity mask does not show a container's CPU quota: a process may see 64 CPUs and be granted
// the time of 2. With 64 threads it would be stopped for most of every period.
#include "core/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace fastnn {
namespace {

struct Mount {
  std::string root;  // the control group that the mount point shows
  std::string point;
};

bool lists(const std::string& comma_separated, const std::string& word) {
  return ("," + comma_separated + ",").find("," + word + ",") != std::string::npos;
}

// Where a hierarchy is mounted: version 2, or the version 1 hierarchy of the `cpu` controller.
// A line of mountinfo: id parent device root point options [tags...] - type source super-options
std::vector<Mount> find_mounts(const std::string& root, bool version_2) {
  std::vector<Mount> mounts;
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream head(line.substr(0, dash)), tail(line.substr(dash + 3));
    std::string id, parent, device, type, source, options;
    Mount mount;
    head >> id >> parent >> device >> mount.root >> mount.point;
    tail >> type >> source >> options;
    if (version_2 ? type == "cgroup2" : type == "cgroup" && lists(options, "cpu")) {
      mounts.push_back(mount);
    }
  }
  return mounts;
}

// CPUs granted by one group, 0 for no limit. Files that are missing or malformed set no limit.
double group_quota(const std::string& folder, bool version_2) {
  double quota = 0, period = 0;
  if (version_2) {  // "max 100000" or "250000 100000"
    std::ifstream file(folder + "/cpu.max");
    if (!(file >> quota >> period)) return 0;
  } else {  // quota -1: no limit
    std::ifstream quota_file(folder + "/cpu.cfs_quota_us"),
        period_file(folder + "/cpu.cfs_period_us");
    if (!(quota_file >> quota) || !(period_file >> period)) return 0;
  }
  return quota > 0 && period > 0 ? quota / period : 0;
}

void tighten(double& quota, double other) {
  if (other > 0 && (quota == 0 || other < quota)) quota = other;
}

// `path` is relative to the mount point: "" or "/a/b". Each ancestor's limit holds too.
double tightest_quota(const std::string& point, std::string path, bool version_2) {
  double quota = 0;
  for (;;) {
    tighten(quota, group_quota(point + path, version_2));
    if (path.empty()) return quota;
    path.erase(path.rfind('/'));
  }
}

// A container may see only its own part of the hierarchy: then the mount's root is a prefix of the
// group's path, or the path makes no sense here and the mount point is the group.
std::string path_under(const Mount& mount, const std::string& group) {
  const std::string prefix = mount.root == "/" ? "" : mount.root;
  if (group.compare(0, prefix.size(), prefix) != 0) return "";
  std::string path = group.substr(prefix.size());
  while (!path.empty() && path.back() == '/') path.pop_back();
  if (!path.empty() && path.front() != '/') return "";
  return path.find("/..") == std::string::npos ? path : "";
}

int count_affinity() {
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {  // EINVAL: the kernel's mask is longer
    cpu_set_t* set = CPU_ALLOC(cpus);
    if (set == nullptr) return 1;
    const std::size_t bytes = CPU_ALLOC_SIZE(cpus);
    const int failed = sched_getaffinity(0, bytes, set);
    const int error = errno;
    const int count = failed ? 0 : CPU_COUNT_S(bytes, set);
    CPU_FREE(set);
    if (!failed) return std::max(count, 1);
    if (error != EINVAL) return 1;
  }
  return 1;
}

// `runtime/env.py` has refused a malformed value with an error; here it just does not count.
int read_environment() {
  const char* text = std::getenv("FASTNN_NUM_THREADS");
  if (text == nullptr || *text == 0) return 0;
  char* end;
  const long value = std::strtol(text, &end, 10);
  return *end == 0 && value > 0 ? static_cast<int>(std::min(value, 1L << 20)) : 0;
}

}  // namespace

CpuCount combine(int affinity, double quota, int environment) {
  CpuCount result{affinity, quota, environment, affinity, affinity};
  if (quota > 0 && quota < affinity) {
    result.available = std::max(1, static_cast<int>(std::floor(quota)));
  }
  result.threads = result.available;
  if (environment > 0) result.threads = std::min(result.available, environment);
  return result;
}

double cgroup_quota(const std::string& root) {
  double quota = 0;
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line;
       std::getline(file, line);) {  // "id:controllers:path"; version 2: "0::path"
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool version_2 = controllers.empty();
    if (!version_2 && !lists(controllers, "cpu")) continue;
    for (const Mount& mount : find_mounts(root, version_2)) {
      const std::string path = path_under(mount, line.substr(second + 1));
      tighten(quota, tightest_quota(root + mount.point, path, version_2));
    }
  }
  return quota;
}

const CpuCount& cpu_count() {
  static const CpuCount result = combine(count_affinity(), cgroup_quota(), read_environment());
  return result;
}

}  // namespace fastnn
