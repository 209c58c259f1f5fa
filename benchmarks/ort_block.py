"""How large a block ONNX Runtime plans for activations: `python -m benchmarks.ort_block FILE INPUTS.npz`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

_REQUEST = re.compile(r"Extending BFCArena for Cpu.*?rounded_bytes:(\d+)")
_MARK = "second run"


def planned_block(model: str | Path, inputs: str | Path) -> int | None:
    """Return the bytes that a second run asks its arena for at once: the block of the memory pattern of the first.

    None where it asks for nothing, or does not run. The arena grows by what is asked, so that no earlier chunk serves.
    """
    command = [sys.executable, "-m", "benchmarks.ort_block", str(model), str(inputs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})
    second = done.stderr.partition(_MARK)[2]
    found = [int(size) for size in _REQUEST.findall(second)]
    return max(found) if found and done.returncode == 0 else None


def main() -> None:
    """Run twice with an arena that reports every request."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(0)
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    as_asked = 1
    onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg(0, as_asked, -1, -1))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.use_env_allocators", "1")
    session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    with np.load(sys.argv[2]) as loaded:
        inputs = {name: loaded[name] for name in loaded.files}
    session.run(None, inputs)
    print(_MARK, file=sys.stderr, flush=True)
    session.run(None, inputs)


if __name__ == "__main__":
    main()
