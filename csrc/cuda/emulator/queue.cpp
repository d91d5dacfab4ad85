#include "cuda/emulator/queue.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "cuda/emulator/memory.h"

using namespace fastnn::emulator;

namespace fastnn::emulator {
namespace {

std::recursive_mutex mutex;
using Lock = std::lock_guard<std::recursive_mutex>;

std::vector<Stream*>& streams() {
  static std::vector<Stream*> all;
  return all;
}

// Made when they are first asked for.
Stream* default_stream(cudaStream_t number) {
  static std::map<std::pair<int, cudaStream_t>, Stream*> made;
  int device;
  cudaGetDevice(&device);
  Stream*& stream = made[{device, number}];
  if (stream == nullptr) streams().push_back(stream = new Stream{device, {}, nullptr});
  return stream;
}

std::uint32_t random_state() {
  static std::uint32_t state = 0;
  if (state == 0) state = config().seed * 2654435761u + 1;
  return next_random(state);
}

bool can_go_on(const Stream& stream) {
  if (stream.operations.empty()) return false;
  const Operation& first = stream.operations.front();
  return first.awaits == nullptr || first.awaits->done >= first.times;
}

// The stream that goes on next: the first, or a random one; with odd seeds the one that is waited
// for, as far as it gets, so that others have done nothing that it does not wait for itself.
Stream* choose(Stream* awaited) {
  std::vector<Stream*> ready;
  for (Stream* stream : streams()) {
    if (can_go_on(*stream)) ready.push_back(stream);
  }
  if (ready.empty()) throw Misuse("streams wait for an event that will never be recorded");
  if (config().seed % 2 == 1 && awaited != nullptr && can_go_on(*awaited)) return awaited;
  return config().seed == 0 ? ready.front() : ready[random_state() % ready.size()];
}

template <class Done>
void work_until(Done done, Stream* awaited = nullptr) {
  const Lock lock(mutex);
  if (done()) return;
  const Access access;
  while (!done()) {
    Stream* stream = choose(awaited);
    const Operation operation = std::move(stream->operations.front());
    stream->operations.pop_front();
    if (!operation.run) continue;
    try {
      operation.run();
    } catch (...) {
      for (Stream* other : streams()) other->operations.clear();  // as after a device's fault
      throw;
    }
  }
}

}  // namespace

Stream* resolve(Stream* stream) {
  const Lock lock(mutex);
  if (stream == nullptr) throw Misuse("stream 0: fastnn says cudaStreamLegacy where it means it");
  if (stream == cudaStreamLegacy || stream == cudaStreamPerThread) return default_stream(stream);
  if (std::find(streams().begin(), streams().end(), stream) == streams().end()) {
    throw Misuse("a stream that does not exist, or no longer");
  }
  return stream;
}

void add(Stream* stream, GraphNode node) {
  const Lock lock(mutex);
  stream = resolve(stream);
  if (stream->capture != nullptr) {
    stream->capture->nodes.push_back(std::move(node));
  } else {
    stream->operations.push_back({std::move(node.run), nullptr, 0});
  }
}

std::int64_t waiting() {
  const Lock lock(mutex);
  std::int64_t count = 0;
  for (const Stream* stream : streams()) {
    count += static_cast<std::int64_t>(stream->operations.size());
  }
  return count;
}

void work_off(Stream* stream) {
  stream = resolve(stream);
  if (stream->capture != nullptr) throw Misuse("waiting for a stream while it is captured");
  work_until([&] { return stream->operations.empty(); }, stream);
}

void work_off_everything() {
  work_until([] {
    return std::all_of(streams().begin(), streams().end(),
                       [](const Stream* stream) { return stream->operations.empty(); });
  });
}

}  // namespace fastnn::emulator

// ---- streams
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  const Lock lock(mutex);
  int device;
  cudaGetDevice(&device);
  *stream = new Stream{device, {}, nullptr};
  streams().push_back(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Lock lock(mutex);
  work_off(stream);
  auto& all = streams();
  all.erase(std::find(all.begin(), all.end(), stream));
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  work_off(stream);
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const Lock lock(mutex);
  stream = resolve(stream);
  if (stream->capture != nullptr) throw Misuse("the emulator captures one stream, not several");
  stream->operations.push_back({nullptr, event->records, event->records->asked});
  return cudaSuccess;
}

// ---- events
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new Event;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Lock lock(mutex);
  stream = resolve(stream);
  if (stream->capture != nullptr) throw Misuse("the emulator captures one stream, not several");
  ++event->records->asked;
  stream->operations.push_back({[records = event->records] {
                                  ++records->done;
                                  records->time = std::chrono::steady_clock::now();
                                },
                                nullptr, 0});
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const int times = event->records->asked;
  work_until([&] { return event->records->done >= times; });
  return cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Lock lock(mutex);
  return event->records->done >= event->records->asked ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  const std::chrono::duration<float, std::milli> elapsed =
      end->records->time - begin->records->time;
  *milliseconds = elapsed.count();
  return cudaSuccess;
}

// ---- graphs
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  const Lock lock(mutex);
  stream = resolve(stream);
  if (stream->capture != nullptr) return cudaErrorInvalidValue;
  stream->capture = std::make_unique<Graph>();
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  const Lock lock(mutex);
  *status = resolve(stream)->capture != nullptr ? cudaStreamCaptureStatusActive
                                                : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const Lock lock(mutex);
  stream = resolve(stream);
  if (stream->capture == nullptr) return cudaErrorInvalidValue;
  *graph = stream->capture.release();
  return cudaSuccess;
}
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  if (nodes == nullptr) {
    *count = graph->nodes.size();
    return cudaSuccess;
  }
  *count = std::min(*count, graph->nodes.size());
  for (std::size_t i = 0; i < *count; ++i) nodes[i] = &graph->nodes[i];
  return cudaSuccess;
}
cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType* type) {
  *type = node->type;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long) {
  *executable = new GraphExec{std::make_shared<const Graph>(*graph)};
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const Lock lock(mutex);
  stream = resolve(stream);
  stream->operations.push_back({[graph = executable->graph] {
                                  for (const GraphNode& node : graph->nodes) node.run();
                                },
                                nullptr, 0});
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
