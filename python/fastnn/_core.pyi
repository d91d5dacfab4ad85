"""The native runtime. Users go through `fastnn`; this is what `fastnn` itself calls."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

# ---- instruction sets and threads

def isas() -> list[str]:
    """The instruction sets with kernels that this CPU can run, plainest first.

    Not among them, and never chosen, is "avx512_bf16": avx512 with dots of bf16 whether or not they
    are faster than float32's products. `isa=` and FASTNN_ISA take it where the CPU has them.
    """

def isa() -> str:
    """The one that programs use: the last of `isas()`, or FASTNN_ISA.

    Raises ValueError if FASTNN_ISA names one that is not usable here.
    """

def isa_reason() -> str: ...
def info() -> dict[str, Any]:
    """isa, isa_reason, isas, features, threads, threads_reason, affinity, quota (CPUs or None)."""

def num_threads() -> int:
    """How many threads a run takes unless it is told."""

def set_num_threads(threads: int) -> None:
    """1 to 1024; it may exceed the CPUs."""

def matmul_reason(
    m: int, n: int, k: int, form: str, *, precision: int = 0, isa: str | None = None
) -> str:
    """How a matmul of op(A) [m, k] and op(B) [k, n] is done, and why. form: "nn", "nt" or "tn"."""

# ---- memory and random numbers

def allocate(nbytes: int) -> npt.NDArray[np.uint8]:
    """Zeros, aligned to 64 bytes; from 4 MiB on to 2 MiB, on huge pages where there are some."""

def philox(seed: int, stream: int, step: int, n: int) -> npt.NDArray[np.uint32]:
    """The first n words of a Philox4x32-10 stream."""

# ---- programs

def opcodes() -> list[tuple[str, str, str]]:
    """(name, operands, attributes) of every line of opcodes.def, in order."""

class Program:
    """A validated list of instructions."""

    def __init__(
        self,
        instrs: npt.NDArray[Any],
        space_bytes: Sequence[int],
        *,
        writable: Sequence[bool] | None = None,
        isa: str | None = None,
    ) -> None:
        """`instrs` are records of `runtime.instr.INSTR`; `space_bytes` the size of each space, or
        -1 where only the array that is bound will tell.

        Raises ValueError for the first instruction that is wrong: it names the instruction, the
        operand, what came and what was expected.
        """

    def __len__(self) -> int: ...
    @property
    def scalar_columns(self) -> int:
        """How many columns the table of per-step scalars must have."""

    def bind(self, spaces: Sequence[npt.NDArray[Any] | None]) -> Runner:
        """A runner on these arrays, which it keeps alive; None for a space that nobody uses. It
        goes on with what the last run of this program has learnt about the team's pace.

        Raises ValueError for an array that is too small, badly aligned, read-only though written,
        or written and overlapping another; TypeError for one that is not C-contiguous.
        """

class Runner:
    """A program bound to arrays. A second thread's run waits for the first one's."""

    def run(
        self,
        steps: int = 1,
        row: int = 0,
        batch: int = 0,
        step: int = 0,
        seed: int = 0,
        scalars: npt.NDArray[np.float32] | None = None,
        threads: int = 0,
    ) -> tuple[int, int, int, int, int, int] | None:
        """Runs `steps` steps without the GIL: step i with run.step = step + i, run.row =
        row + i * batch, and row i of `scalars` [steps or more, columns]. threads 0: the default.

        Returns None, or what went wrong first: (fault, node, step, row, value, limit), where fault
        is 1 index out of range, 2 label out of range, 3 not finite. The run ends with the step in
        which that happened. Positional arguments are much faster than keywords.
        """

    def team_size(self, threads: int) -> int:
        """How many of `threads` a run with threads=0 uses at most: it depends on the work."""

    @property
    def alone_ns(self) -> float:
        """Estimated time of one step on one thread, in ns."""

    @property
    def changes(self) -> int:
        """How often runs with threads=0 went on with one thread, or with the team again."""

class Routine:
    """A program of a forward pass for a number of rows, bound to a model's memory. Threads may run
    it at the same time."""

    def __init__(
        self,
        program: Program,
        spaces: Sequence[npt.NDArray[Any] | None],
        *,
        arena: int,
        x: int,
        out: int,
        arena_bytes: int,
        x_shape: Sequence[int],
        x_dtype: np.dtype[Any],
        out_shape: Sequence[int],
        plan: Any,
    ) -> None:
        """`spaces` are arrays, and None where nobody uses a space and for those of the arena, of x
        and of the result, of which `arena`, `x` and `out` are the numbers. `plan` comes back with a
        fault."""

    @property
    def out_shape(self) -> tuple[int, ...]: ...
    def run(
        self, x: npt.NDArray[Any], out: npt.NDArray[np.float32], seed: int
    ) -> tuple[Any, int, int, int, int, int, int] | None:
        """None, or (plan, fault, node, step, row, value, limit), as `Runner.run`."""

class Caller:
    """Keeps routines, and calls them with arrays.

    A subclass has `_prepare(x)`, asked when none is kept, which gives (an array of rows, routine,
    routine for the rows left or None, steps of the first); and `_refuse_out(out, x, shape)` and
    `_raise(fault)`, which raise.
    """

    def __init__(
        self, revision: npt.NDArray[np.int64], most_rows: int, most_routines: int, seed: int
    ) -> None:
        """What is kept serves while `revision[0]` is the number that was confirmed last. More than
        `most_rows` rows are done in steps of so many."""

    @property
    def kept(self) -> int: ...
    def __call__(
        self, x: Any, *, out: npt.NDArray[np.float32] | None = None
    ) -> npt.NDArray[np.float32]: ...
    def _find(self, x: npt.NDArray[Any], rows: int) -> Routine | None: ...
    def _keep(self, routine: Routine) -> None: ...
    def _forget(self) -> None: ...
    def _confirm(self, revision: int) -> None: ...

def execute(
    instr: npt.NDArray[Any],
    operands: Sequence[npt.NDArray[Any] | None],
    *,
    isa: str | None = None,
    threads: int = 1,
    step: int = 0,
    row: int = 0,
    seed: int = 0,
    scalars: npt.NDArray[np.float32] | None = None,
) -> None:
    """Runs one instruction (an INSTR record) on arrays, one for each operand of its signature.

    The spaces and offsets in the record do not count. An output may be the same array as an input
    where the signature says `~`. Raises ValueError for what validation or the kernel refuses, and
    TypeError for an array of the wrong element type.
    """

# ---- what the machine can do at most

def peak_loops(*, isa: str | None = None) -> list[str]:
    """The loops that `peak` runs here: "fma" (float32), "read", "copy", "update" (in place),
    "triad" (a + 0.5 b), and those of the CPU's bf16 instructions: "bf16 dot" (AVX512-BF16),
    "bf16 tiles" (AMX)."""

def peak(
    loop: str,
    bytes: int = 0,
    *,
    threads: int = 0,
    seconds: float = 0.005,
    samples: int = 5,
    isa: str | None = None,
) -> list[float]:
    """FLOPs or bytes a second of all threads together, `samples` times over about `seconds` each.

    A multiply-add counts as 2 FLOPs. Bytes are those that the loop loads and stores; each thread
    has arrays of its own of about `bytes` bytes each ("copy" two, "triad" three, others one).
    threads 0: the default. Raises ValueError for a loop that this CPU has not.
    """

# ---- for tests

def barrier_check(threads: int, rounds: int) -> tuple[int, int, float]:
    """Two barriers a round: (threads that took part, times one was late, seconds)."""

class Pace:
    """Decides between the team and one thread, by the time that steps take."""

    def __init__(self, threads: int, alone_ns: float) -> None: ...
    def passed(self, ns: float) -> bool:
        """A step has taken `ns`. True when `team` changes."""

    def idled(self, ns: float) -> None:
        """There has been no step for `ns`."""

    @property
    def team(self) -> bool:
        """Whether the next step is for the team."""

def seating_check() -> tuple[int, int, int, int]:
    """A thread on this one's CPU is woken as a member of a team: (the CPU, where it then runs, CPUs
    that it may run on before, after)."""

def cgroup_quota(root: str) -> float | None:
    """The CPU quota that the files under `root` tell, in CPUs."""

def default_threads(affinity: int, quota: float, environment: int) -> int:
    """The number of threads that follows from these; 0 stands for no quota, no setting."""

def instr_layout() -> dict[str, int]:
    """Sizes and field offsets of the instruction record, in bytes."""
