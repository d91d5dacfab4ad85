#include "cuda/emulator/faults.h"

#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdlib>
#include <mutex>

#include "cuda/emulator/block.h"

namespace fastnn::emulator {
namespace {

constexpr std::size_t kSignalStack = 64 << 10;

thread_local const void* address_of_fault = nullptr;

std::mutex mutex;
int guards = 0;
struct sigaction previous[2];
constexpr int kSignals[2] = {SIGSEGV, SIGBUS};

// The kernel's registers become those of a call of Block::fault, on the same fiber: out of the
// handler everything is allowed again.
void handle(int signal, siginfo_t* info, void* context) {
  const Block& block = Block::mine();
#if defined(__x86_64__)
  if (block.running()) {
    address_of_fault = info->si_addr;
    auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const auto top = reinterpret_cast<std::uintptr_t>(block.stack_top());
    registers[REG_RSP] = static_cast<greg_t>(top - 8);  // as after a call
    registers[REG_RIP] = static_cast<greg_t>(reinterpret_cast<std::uintptr_t>(&Block::fault));
    return;
  }
#else
  (void)block, (void)info, (void)context;
#endif
  sigaction(signal, &previous[signal == SIGBUS], nullptr);  // it happens again, and is theirs
}

}  // namespace

FaultGuard::FaultGuard() : own_stack_(std::malloc(kSignalStack)), previous_stack_(new stack_t) {
  stack_t stack{};
  stack.ss_sp = own_stack_;
  stack.ss_size = kSignalStack;
  sigaltstack(&stack, static_cast<stack_t*>(previous_stack_));
  const std::lock_guard<std::mutex> lock(mutex);
  if (guards++ > 0) return;
  struct sigaction action{};
  action.sa_sigaction = &handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (int i = 0; i < 2; ++i) sigaction(kSignals[i], &action, &previous[i]);
}

FaultGuard::~FaultGuard() {
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (--guards == 0) {
      for (int i = 0; i < 2; ++i) sigaction(kSignals[i], &previous[i], nullptr);
    }
  }
  sigaltstack(static_cast<stack_t*>(previous_stack_), nullptr);
  delete static_cast<stack_t*>(previous_stack_);
  std::free(own_stack_);
}

const void* fault_address() { return address_of_fault; }

}  // namespace fastnn::emulator
