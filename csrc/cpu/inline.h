// For everything that is small and shared by the ISA folders: an inlined copy cannot leak from the
// object file of one ISA into a program that runs on another.
#pragma once

#define FASTNN_INLINE [[gnu::always_inline]] inline

// Before a loop with few, constant turns: unroll all of them, so that an array indexed by the loop
// variable can live in registers.
#ifdef __clang__
#define FASTNN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define FASTNN_UNROLL _Pragma("GCC unroll 32")
#endif
