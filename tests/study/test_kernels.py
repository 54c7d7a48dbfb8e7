"""Kernels of a plan: what they expand to, and that one that cannot work is refused with its line."""

import pytest
from tests.study.conftest import tiny

from pushforward.errors import InputError
from pushforward.measure import AuditSettings
from pushforward.study.errors import PlanError
from pushforward.study.kernels import asked_kernels
from pushforward.study.plan import FRESH, GeneratorArm, KernelForecast
from pushforward.study.reading import read_runs
from pushforward.study.runs import expand

PLAN = """\
[[system]]
name = "logistic-map"
n = 60
T = 8
[[generator]]
name = "mlp"
grid = { steps = [10, 20] }
[[generator]]
name = "transformer"
label = "autoregressive"
[[kernel]]
"""


@pytest.fixture
def asked(tmp_path):
    def read(kernel):
        path = tmp_path / "plan.toml"
        path.write_text(PLAN + kernel)
        return asked_kernels(read_runs(path)[0])

    return read


def test_a_grid_gives_one_kernel_for_each_scale_against_every_arm(asked):
    found = asked('kernel = "spectral(correlation=4)"\ngrid = { scale = [0.01, 0.02] }')
    assert [one.label for one in found] == [
        "spectral(correlation=4) scale=0.01",
        "spectral(correlation=4) scale=0.02",
    ]
    assert [one.content["settings"]["scale"] for one in found] == [0.01, 0.02]
    assert all(one.content["settings"]["correlation"] == 4 for one in found)
    assert all(one.arms == (FRESH, "mlp steps=10", "mlp steps=20", "autoregressive") for one in found)
    assert not any(one.of_model for one in found)


def test_a_kernel_of_trained_models_is_scored_against_the_arms_that_it_is_for(asked):
    (one,) = asked('kernel = "denoise(scale=1)"\narms = ["mlp"]\nlabel = "own"')
    assert (one.label, one.of_model, one.arms) == ("own", True, ("mlp steps=10", "mlp steps=20"))
    (one,) = asked('kernel = "denoise"\nsettings = { scale = 1.0 }\narms = ["mlp steps=20"]')
    assert one.arms == ("mlp steps=20",)
    (one,) = asked('kernel = "pilot(share=0.02)"')
    assert (one.of_model, one.arms) == (True, ("mlp steps=10", "mlp steps=20", "autoregressive"))


@pytest.mark.parametrize(
    ("kernel", "blamed", "says"),
    [
        ('kernel = "gausian(scale=0.1)"', 1, "did you mean 'gaussian'"),
        ('kernel = "gaussian(scael=0.1)"', 1, "did you mean 'scale'"),
        ('kernel = "gaussian"', 1, "has no scale"),
        ('kernel = "gaussian(scale=-1)"', 1, "expected a number of at least 0"),
        ('kernel = "gaussian("', 1, "kernel"),
        ("kernel = 3", 1, "expected text"),
        ('label = "x"', 0, "kernel is missing"),
        ('kernel = "gaussian(scale=1)"\nsetings = {}', 2, "did you mean 'settings'"),
        ('kernel = "gaussian(scale=1)"\nsettings = { scale = 2.0 }', 1, "expected one of the two"),
        ('kernel = "gaussian"\ngrid = { scael = [0.1] }', 2, "did you mean 'scale'"),
        ('kernel = "gaussian"\ngrid = { scale = [] }', 2, "is empty"),
        ('kernel = "gaussian"\ngrid = { scale = [0.1, 0.1] }', 0, "label is used twice"),
        ('kernel = "gaussian(scale=1)"\n[[kernel]]\nkernel = "gaussian(scale=1.0)"', 2, "is the same as"),
        ('kernel = "gaussian(scale=1)"\narms = ["mpl"]', 2, "did you mean 'mlp'"),
        ('kernel = "gaussian(scale=1)"\narms = "mlp"', 2, "expected a list of texts"),
        ('kernel = "residual"', 1, "needs pairs"),
        ('kernel = "mixture"', 1, "expected a tuple of one or more kernels"),
        ('kernel = "denoise(scale=1)"', 1, "'autoregressive' cannot feed it (it feeds rollout, residual)"),
        ('kernel = "denoise(scale=1)"\narms = ["autoregressive"]', 2, "cannot feed it"),
        ('kernel = "denoise(scale=1)"\narms = ["fresh sample of the data"]', 2, "arm"),
        ('kernel = "denoise"\narms = ["mlp"]', 1, "has no scale"),
        ('kernel = "denoise(scale=1, run=model)"', 1, "run"),
        ('kernel = "pilot(generator=mlp)"', 1, "the arm's own generator"),
    ],
)
def test_a_kernel_that_cannot_work_is_refused_with_its_line(asked, kernel, blamed, says):
    with pytest.raises(InputError) as refused:
        asked(kernel)
    assert says in str(refused.value), refused.value
    assert f"line {PLAN.count(chr(10)) + blamed}:" in str(refused.value), refused.value


def test_a_mitigated_arm_does_not_stand_for_a_model_without():
    arms = (GeneratorArm(name="mlp", settings={"steps": 10}, mitigations=("represent(increments)",)),)
    for kernel in ("denoise(scale=1)", "pilot"):
        with pytest.raises(PlanError, match="cannot feed it"):
            expand(tiny(generators=arms, kernels=(KernelForecast(kernel=kernel),)))


def test_more_bins_than_a_forecast_can_have_are_refused():
    with pytest.raises(PlanError, match="at most 254") as refused:
        expand(tiny(kernels=(KernelForecast(kernel="gaussian(scale=1)"),), audit=AuditSettings(bins=255)))
    assert refused.value.path == ("audit", "bins")


def test_kernels_change_no_run():
    plain = [run.id for run in expand(tiny())]
    assert [run.id for run in expand(tiny(kernels=(KernelForecast(kernel="gaussian(scale=1)"),)))] == plain
