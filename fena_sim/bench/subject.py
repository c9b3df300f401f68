"""The interface of every variant of the benchmark."""


class Subject:
    """A network, prepared for running: `run(steps)` makes steps and returns the seconds they took.

    Start, compilation and files are not part of that time. Variants that write the equations of
    `networks` also have ``state()``, the state after CHECKED_STEPS steps from the initial one.
    Those that are programs of their own have ``peak_kib`` after a run.
    """

    def run(self, steps: int) -> float:
        raise NotImplementedError  # every variant has its own

    def fastest(self, steps: int, repeats: int) -> float:
        """Seconds of the fastest of several runs: whatever else the machine does only adds to a
        time.
        """
        return min(self.run(steps) for _ in range(repeats))
