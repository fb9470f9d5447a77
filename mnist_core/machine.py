"""The machine a training runs on: what its results depend on, set and said."""

import ctypes
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import torch

from mnist_core.data import CHECKSUMS
from mnist_core.errors import UserError
from mnist_core.record import EngineUsed, Environment

VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "ONEDNN_CPU_ISA_HINTS",
    "DNNL_CPU_ISA_HINTS",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_DEBUG_CPU_TYPE",
    "MKL_DYNAMIC",
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "CUBLAS_WORKSPACE_CONFIG",
)
"""Environment variables by which the libraries that torch calculates with are told to round
otherwise: another instruction set, precision or order of summation."""


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
        processor=_generation(),
        torch_instruction_set=torch.backends.cpu.get_cpu_capability(),
        variables={name: os.environ[name] for name in VARIABLES if name in os.environ},
        data_sha256=dict(CHECKSUMS),
        engine=engine,
    )


def _processor() -> str:
    return _cpuinfo().get("model name") or platform.processor() or platform.machine()


def _generation() -> str | None:
    """None where the system does not say it."""
    said = _cpuinfo()
    fields = ("cpu family", "model", "stepping")
    return ", ".join(f"{name} {said[name]}" for name in fields if name in said) or None


def _cpuinfo() -> dict[str, str]:
    """What Linux says of the first core; nothing elsewhere."""
    try:
        first, *_ = Path("/proc/cpuinfo").read_text().split("\n\n")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
