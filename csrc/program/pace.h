// Whether the team is faster than one thread, judged by how long steps take.
//
// It need not be. A thread that another process keeps off its CPU holds up all others at the next
// barrier, for as long as the scheduler's slices last: 4 ms, where a step takes a tenth of one. And
// where threads are far apart (on two sockets; on virtual CPUs that their host moves about) every
// barrier costs several times as much. So steps are timed, some ms of them at a time. When the team
// has been no faster than one thread, one thread goes on alone; after a rest the team is tried
// again, and the rest doubles with each time in a row that it fails. A team that is only a little
// faster than one thread was is compared with it again from time to time: it may have been measured
// while something else took the CPU.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace fastnn {

class Pace {
 public:
  static constexpr double kWindow = 2e6;  // ns of steps that are judged together
  static constexpr double kShortRest = 4e6, kLongRest = 256e6;
  static constexpr double kWorthIt = 0.95;  // of one thread's time: a team costs more CPU time
  static constexpr double kSlim = 0.8, kDoubt = 64e6;  // so long a team goes on that needs more

  // For a team of `threads` and steps of about `alone_ns` on one thread. Where they are short they
  // are measured on one thread, soon. Where they are long that would cost too much: one thread is
  // taken to need `threads` times as long as the team did at its best.
  Pace(int threads, double alone_ns)
      : threads_(threads), alone_(alone_ns < kWindow ? 0 : kNever), fastest_(kNever) {}

  int threads() const { return threads_; }
  bool team() const { return team_; }                // are the next steps for the team?
  std::int64_t changes() const { return changes_; }  // from team to one thread, and back

  // A step has taken `ns`. True when the next one is no longer for the same. The first one after a
  // change does not count: threads wake up, and data are in other CPUs' caches.
  bool passed(double ns) {
    if (first_ && ns < kWindow) return first_ = false;
    time_ += ns;
    ++steps_;
    if (time_ < (team_ ? kWindow : rest_)) return false;
    const double mean = time_ / steps_;
    time_ = steps_ = 0;
    const bool was = team_;
    team_ = was ? stays(mean) : true;
    if (!was) measured(mean);
    changes_ += team_ != was;
    return first_ = team_ != was;
  }

 private:
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  bool stays(double mean) {
    last_ = mean;
    fastest_ = std::min(fastest_, mean);
    if (mean > std::min(kWorthIt * alone_, threads_ * fastest_)) {
      stayed_ = 0;
      return false;
    }
    if (mean > kSlim * alone_ && (doubted_ += kWindow) >= kDoubt) {
      doubted_ = 0;
      return false;
    }
    stayed_ += kWindow;
    if (stayed_ >= rest_) rest_ = kShortRest;
    return true;
  }

  void measured(double mean) {
    alone_ = mean;
    if (last_ <= kWorthIt * alone_) {  // both have become slower
      fastest_ = last_;
      rest_ = kShortRest;
    } else {
      rest_ = std::min(2 * rest_, kLongRest);
    }
  }

  int threads_;
  std::int64_t changes_ = 0;
  bool team_ = true, first_ = true;
  double time_ = 0, steps_ = 0;  // of the steps since the last judgement
  double alone_, fastest_;       // ns a step: of one thread last time, of the team at its best
  double last_ = 0;              // of the team last time
  double rest_ = kShortRest;     // how long one thread goes on alone
  double stayed_ = 0;            // how long the team has gone on since it last failed
  double doubted_ = 0;           // and with little to show for it, since one thread was measured
};

}  // namespace fastnn
