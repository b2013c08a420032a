"""How a training scales to more workers, on paper: nothing is trained.

    python benchmarks/scaling.py

A step of N workers at a global batch of B rows takes

    T(N) = B / N * row + fixed + sum(N) + gather(N)
    sum(N) = 2 (N - 1) / N * 4 P / bandwidth + 2 (N - 1) * latency        a ring all-reduce
    gather(N) = (N - 1) / N * 4 B C / bandwidth + (N - 1) * latency       outputs and targets

for a network of P parameters with C outputs, and with S exact shards in place of the sum

    exact(N) = (N - 1) / N * 4 P S / bandwidth + (N - 1) * latency + 4 P S / memory

since each worker receives the gradients of all shards and reads them once to add them up. Nothing
is computed while the network is used, as in our step, which sums one vector at its end. The
efficiency is T(1) / (N T(N)): 1 says that N workers are N times as fast as one.
"""

import argparse
from dataclasses import dataclass


@dataclass(frozen=True)
class Training:
    """What is trained on what.

    Attributes:
        parameters: P.
        outputs: C, outputs and targets of a row.
        row: seconds that one worker computes for a row.
        fixed: seconds of a step that do not depend on the batch.
        bandwidth: bytes per second that a worker sends, and receives.
        latency: seconds from one worker to the next.
        memory: bytes per second at which a worker adds gradients up.
    """

    parameters: float
    outputs: int
    row: float
    fixed: float
    bandwidth: float
    latency: float
    memory: float

    def step(self, workers: int, batch: int, exact_shards: int = 0) -> float:
        """Seconds of a step."""
        compute = batch / workers * self.row + self.fixed
        if workers == 1:
            return compute
        gradient, others = 4 * self.parameters, workers - 1
        part = others / workers
        gather = part * 4 * batch * self.outputs / self.bandwidth + others * self.latency
        if not exact_shards:
            total = 2 * (part * gradient / self.bandwidth + others * self.latency)
        else:
            total = part * gradient * exact_shards / self.bandwidth + others * self.latency
            total += gradient * exact_shards / self.memory
        return compute + gather + total

    def efficiency(self, workers: int, batch: int, exact_shards: int = 0) -> float:
        """How much of the speed of N workers is left."""
        return self.step(1, batch) / (workers * self.step(workers, batch, exact_shards))


def main() -> None:
    """Print the efficiencies as a table of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parameters", type=float, default=25.6e6, help="P (ResNet-50)")
    parser.add_argument("--outputs", type=int, default=1001, help="C")
    parser.add_argument("--rows-per-second", type=float, default=400, help="of one worker")
    parser.add_argument("--fixed", type=float, default=2e-3, help="seconds")
    parser.add_argument("--latency", type=float, default=3e-5, help="seconds")
    parser.add_argument("--gigabits", type=float, nargs="+", default=[10, 100])
    parser.add_argument("--memory", type=float, default=2e11, help="bytes per second")
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 8, 64])
    parser.add_argument("--batches", type=int, nargs="+", default=[32, 256], help="of a worker")
    asked = parser.parse_args()
    counts = [f"{count} workers" for count in asked.workers]
    exact = [f"{count} exact" for count in asked.workers]
    head = ["network", "rows of a worker", *counts, *exact]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for gigabits in asked.gigabits:
        training = Training(
            asked.parameters, asked.outputs, 1 / asked.rows_per_second, asked.fixed,
            gigabits * 1e9 / 8, asked.latency, asked.memory,
        )  # fmt: skip
        for rows in asked.batches:
            cells = [f"{training.efficiency(n, n * rows):.0%}" for n in asked.workers]
            cells += [f"{training.efficiency(n, n * rows, n):.0%}" for n in asked.workers]
            print(f"| {gigabits:g} Gb/s | {rows} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
