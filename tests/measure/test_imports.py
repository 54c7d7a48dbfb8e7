"""measure/ imports with NumPy and SciPy alone, and nothing at the front door imports torch."""

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"


def run(python, code, *flags):
    return subprocess.run(
        [python, *flags, "-c", f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n{code}"],
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_measure_imports_with_numpy_and_scipy_alone(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "bare"], check=True, timeout=120)
    python = tmp_path / "bare" / "bin" / "python"
    installed = subprocess.run(
        [python, "-m", "pip", "install", "-q", "-c", SOURCE.parent / "constraints.txt", "numpy", "scipy"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    if installed.returncode != 0:
        pytest.skip(f"no package index to install NumPy and SciPy from: {installed.stderr.strip()[-200:]}")
    done = run(
        python,
        "from pushforward.measure import audit_values\n"
        "import numpy as np\n"
        "x = np.linspace(0, 1, 200)\n"
        "print(audit_values(x, x**2).quantities[0].verdict)\n"
        "print(audit_values(x, intended='uniform(0, 1)').quantities[0].verdict)",
    )
    assert done.stdout.split("\n")[:2] == ["drift", "no drift found"], done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import pushforward",
        "import pushforward.measure, pushforward.quantities, pushforward.formats, pushforward.generators",
        "import pushforward.cli",
    ],
)
def test_nothing_at_the_front_door_imports_torch_or_matplotlib(code):
    done = run(
        sys.executable,
        f"{code}\nprint([m for m in ('torch', 'matplotlib', 'scipy.stats') if m in sys.modules])",
    )
    assert done.stdout.strip() == "[]", done.stderr
