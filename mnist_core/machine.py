"""The machine a training runs on: what its results depend on, set and said."""

import ctypes
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import torch

from mnist_core.data import CHECKSUMS
from mnist_core.errors import UserError
from mnist_core.record import EngineUsed, Environment


def settle(threads: int) -> None:
    """Make this process train reproducibly: a fixed number of threads, no algorithm chosen by
    timing or by luck."""
    torch.set_num_threads(threads)
    _keep_freed_memory()
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def _keep_freed_memory() -> None:
    """Have glibc reuse freed memory instead of giving it back to the kernel.

    It otherwise maps and unmaps every large tensor, and each training step pays thousands of page
    faults. Both settings are needed: the trim threshold alone makes it worse. Elsewhere than under
    glibc this does nothing.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        m_trim_threshold, m_mmap_threshold = -1, -3
        mallopt(m_mmap_threshold, 1 << 30)
        mallopt(m_trim_threshold, (1 << 31) - 1)


def check_device(device: str) -> None:
    """Raises UserError where torch has no such device here."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"--device {device}: not to be had here ({reason}); use cpu") from None


def environment(device: str, engine: EngineUsed) -> Environment:
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
        engine=engine,
    )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
