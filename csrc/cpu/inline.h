// For everything that is small and shared by the ISA folders: an inlined copy cannot leak from the
// object file of one ISA into a program that runs on another.
#pragma once

#define FASTNN_INLINE [[gnu::always_inline]] inline
