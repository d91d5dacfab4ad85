#include "cuda/emulator/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <new>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif
#ifdef FASTNN_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FASTNN_TSAN
#include <sanitizer/tsan_interface.h>
extern "C" void __tsan_read_range(void*, unsigned long);
extern "C" void __tsan_write_range(void*, unsigned long);
#endif

#if defined(__x86_64__)
// Saves the registers that a call preserves on this stack, and takes them from the other one.
extern "C" void fastnn_switch_stack(void** from, void* to);
asm(R"(
.text
.local fastnn_switch_stack
.type fastnn_switch_stack, @function
fastnn_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size fastnn_switch_stack, .-fastnn_switch_stack
)");
#endif

namespace fastnn::emulator {
namespace {

#if defined(FASTNN_ASAN) || defined(FASTNN_TSAN)
constexpr std::size_t kStackBytes = 256 << 10;
#else
constexpr std::size_t kStackBytes = 64 << 10;
#endif

std::size_t page() {
  static const std::size_t bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

thread_local Fiber* leaving = nullptr;   // of the last switch
thread_local Fiber* entering = nullptr;  // likewise

}  // namespace

Fiber::Fiber(void (*body)()) : body_(body), stack_bytes_(kStackBytes) {
  void* memory = mmap(nullptr, page() + kStackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, page(), PROT_NONE);  // a stack that grows too large runs into it
  stack_ = static_cast<char*>(memory) + page();
  prepare();
}

Fiber::~Fiber() {
#if !defined(__x86_64__)
  delete static_cast<ucontext_t*>(registers_);
#endif
  if (body_ == nullptr) return;
#ifdef FASTNN_TSAN
  __tsan_destroy_fiber(watched_as_);
#endif
  munmap(stack_ - page(), page() + stack_bytes_);
}

void Fiber::restart() {
#ifdef FASTNN_ASAN
  __asan_unpoison_memory_region(stack_, stack_bytes_);
  fake_stack_ = nullptr;
#endif
#ifdef FASTNN_TSAN
  __tsan_destroy_fiber(watched_as_);
#endif
  prepare();
}

void Fiber::prepare() {
#ifdef FASTNN_TSAN
  watched_as_ = __tsan_create_fiber(0);
#endif
#if defined(__x86_64__)
  // As if `enter` had been called by nobody: at its first instruction the stack pointer is 8 past a
  // multiple of 16.
  void** stack = static_cast<void**>(top());
  *--stack = nullptr;
  *--stack = reinterpret_cast<void*>(&Fiber::enter);
  for (int i = 0; i < 6; ++i) *--stack = nullptr;
  registers_ = stack;
#else
  auto* context = static_cast<ucontext_t*>(registers_);
  if (context == nullptr) registers_ = context = new ucontext_t;
  getcontext(context);
  context->uc_stack.ss_sp = stack_;
  context->uc_stack.ss_size = stack_bytes_;
  context->uc_link = nullptr;
  makecontext(context, &Fiber::enter, 0);
#endif
}

void Fiber::enter() {
  Fiber* self = entering;
  self->arrived();
  self->body_();
  __builtin_unreachable();
}

void Fiber::switch_to(Fiber& to) {
  leaving = this;
  entering = &to;
#ifdef FASTNN_ASAN
  __sanitizer_start_switch_fiber(&fake_stack_, to.stack_, to.stack_bytes_);
#endif
#ifdef FASTNN_TSAN
  if (watched_as_ == nullptr) watched_as_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to.watched_as_, __tsan_switch_to_fiber_no_sync);
#endif
#if defined(__x86_64__)
  fastnn_switch_stack(&registers_, to.registers_);
#else
  if (registers_ == nullptr) registers_ = new ucontext_t;
  swapcontext(static_cast<ucontext_t*>(registers_), static_cast<ucontext_t*>(to.registers_));
#endif
  arrived();
}

void Fiber::arrived() {
#ifdef FASTNN_ASAN
  const void* stack;
  std::size_t bytes;
  __sanitizer_finish_switch_fiber(fake_stack_, &stack, &bytes);
  if (leaving->stack_bytes_ == 0) {  // an OS thread: this tells where its stack is
    leaving->stack_ = static_cast<char*>(const_cast<void*>(stack));
    leaving->stack_bytes_ = bytes;
  }
#endif
}

bool Fiber::guards(const void* address) const {
  const char* at = static_cast<const char*>(address);
  return body_ != nullptr && at >= stack_ - page() && at < stack_;
}

#ifdef FASTNN_TSAN
void release_tag(void* tag) { __tsan_release(tag); }
void acquire_tag(void* tag) { __tsan_acquire(tag); }
void note_read(const void* address, std::size_t bytes) {
  __tsan_read_range(const_cast<void*>(address), bytes);
}
void note_write(void* address, std::size_t bytes) { __tsan_write_range(address, bytes); }
#else
void release_tag(void*) {}
void acquire_tag(void*) {}
void note_read(const void*, std::size_t) {}
void note_write(void*, std::size_t) {}
#endif

}  // namespace fastnn::emulator
