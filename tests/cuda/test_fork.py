"""A child of a process that has used CUDA: what is the parent's can neither be used nor waited for
there, only let go of."""

from __future__ import annotations

import textwrap

from .test_device import python

# What the parent has: a trainer in the midst of a fit, whose data and model are on the device and
# whose step is a graph, and parts of one.
PARENT = """
import gc, os, signal, threading, time
import numpy as np
import fastnn
from fastnn.keras import Sequential
from fastnn.keras.layers import Dense, Input
from fastnn.runtime import load

m = load.cuda()
x, y = np.ones((64, 3), np.float32), np.ones((64, 2), np.float32)
threaded = False  # the emulator has locks too
order, host = np.arange(64), np.zeros(64, np.uint8)
model = Sequential([Input((3,)), Dense(2)])
trainer = fastnn.Trainer(model, "adam", "mse", device="cuda")
rows = lambda: trainer.train_rows(x, y, None, order, batch_size=8)
trainer.hold()
rows()
memory, feed = m.Memory(0, 64), m.Feed(0, 64)
feed.fill(0), feed.send(0), feed.used(0)  # and nobody waits for it
"""

# `try_all` tells what became of each attempt.
CHILD = """
def try_all(acts):
    signal.alarm(30)  # who waits is ended
    for name, act in acts.items():
        print(name, end=": ", flush=True)
        try:
            act()
            print("done", flush=True)
        except RuntimeError as error:
            print("refused" if "process was forked" in str(error) else error, flush=True)

def waiting():
    return m.emulator.waiting() if hasattr(m, "emulator") and not threaded else None

def let_go():
    global trainer, model, memory, feed, acts
    before = waiting()
    del trainer, model, memory, feed, acts
    gc.collect()
    if waiting() != before:
        raise RuntimeError("somebody waited for the device")

acts = {
    "upload": lambda: memory.upload(host),
    "download": lambda: memory.download(host),
    "fill": lambda: memory.fill(0),
    "free memory": lambda: m.free_memory(0),
    "fill a slot": lambda: feed.fill(0),
    "send": lambda: feed.send(0),
    "used": lambda: feed.used(0),
    "steps": rows,
    "step": lambda: trainer.step(x, y),
    "predict": lambda: trainer.predict(x, verbose=0),
    "weights": lambda: model.get_weights(),
    "weights again": lambda: model.get_weights(),
    "another model": lambda: Dense(2)(x),
    "end of the fit": lambda: trainer.release(),
    "let go": let_go,
}
"""


def told(fork: str) -> dict[str, str]:
    """What the child that `fork` makes says."""
    run = python(PARENT + CHILD + textwrap.dedent(fork))
    return dict(line.partition(": ")[::2] for line in run.stdout.splitlines()) | {
        "parent": "" if run.returncode == 0 else run.stderr
    }


def expected() -> dict[str, str]:
    names = [line.split('"')[1] for line in CHILD.splitlines() if line.startswith('    "')]
    return {
        **dict.fromkeys(names, "refused"),
        "another model": "done",
        "let go": "done",
        "parent": "",
    }


def test_what_is_the_parents_is_refused_and_let_go_of():
    fork = """
    assert waiting() != 0
    if os.fork() == 0:
        try_all(acts)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
    trainer.release()
    """
    assert told(fork) == expected()


def test_a_lock_that_a_thread_of_the_parent_had():
    """Nobody will ever give it back in the child."""
    fork = """
    busy = fastnn.Trainer(
        Sequential([Input((3,)), Dense(300), Dense(2)]), "adam", "mse", device="cuda"
    )
    data = np.ones((512, 3), np.float32), np.ones((512, 2), np.float32)
    ended = threading.Event()

    def work():
        while not ended.is_set():  # nearly all of it under the device's lock
            busy.train_rows(*data, None, np.arange(512), batch_size=64)

    threaded = True
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    time.sleep(0.5)
    if os.fork() == 0:
        try_all(acts)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
    assert thread.is_alive()
    ended.set()
    thread.join()
    """
    assert told(fork) == expected()
