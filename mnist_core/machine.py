"""The machine a training runs on: what its results depend on, set and said."""

import platform
from importlib.metadata import version
from pathlib import Path

import torch

from mnist_core.data import CHECKSUMS
from mnist_core.errors import UserError
from mnist_core.record import Environment


def settle(threads: int) -> None:
    """Make this process train reproducibly: a fixed number of threads, no algorithm chosen by
    timing or by luck."""
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def check_device(device: str) -> None:
    """Raises UserError where torch has no such device here."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"--device {device}: not to be had here ({reason}); use cpu") from None


def environment(device: str) -> Environment:
    """What a curve depends on besides its config, as it is in this process."""
    return Environment(
        device=device,
        threads=torch.get_num_threads(),
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in ("drilldown", "torch", "torchvision")},
        },
        machine=_processor() if device == "cpu" else torch.cuda.get_device_name(device),
        data_sha256=dict(CHECKSUMS),
    )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
