// Streams, events and graphs: what was asked of a device and is not done yet.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "cuda/emulator/runtime.h"

namespace fastnn::emulator {

struct GraphNode {
  cudaGraphNodeType type;
  std::function<void()> run;
};

struct Graph {
  std::vector<GraphNode> nodes;  // in the order of the one stream that was captured
};

struct GraphExec {
  std::shared_ptr<const Graph> graph;
};

struct Records {  // of an event
  int asked = 0;
  int done = 0;
  std::chrono::steady_clock::time_point time;  // of the last one done
};
struct Event {
  std::shared_ptr<Records> records = std::make_shared<Records>();
};

struct Operation {
  std::function<void()> run;
  std::shared_ptr<Records> awaits;  // not before so many of them are done
  int times = 0;
};

struct Stream {
  int device;
  std::deque<Operation> operations;
  std::unique_ptr<Graph> capture;  // instead of being done, operations become its nodes
};

// The stream itself: a default one is known by a number. Throws Misuse for one that is gone.
Stream* resolve(Stream* stream);

void add(Stream* stream, GraphNode node);

// Does what is due until a stream is empty (or all are). Throws what a kernel did wrong.
void work_off(Stream* stream);
void work_off_everything();

// One kernel, all blocks. Throws Misuse.
void run_grid(const Kernel& kernel);

}  // namespace fastnn::emulator
