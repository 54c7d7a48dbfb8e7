"""Sampler settings that a generator would refuse once it is trained are refused before the first run."""

import pytest

from pushforward.errors import InputError
from pushforward.study.reading import read_runs

PLAN = '[[system]]\nname = "logistic-map"\n[[generator]]\nname = "diffusion"\n'


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("sampling = { sampler_stepz = 10 }", "did you mean 'sampler_steps'"),
        ("sampling = { sampler_steps = -1 }", "sampler_steps: got -1"),
        ('sampling = { sampler = "hein" }', "did you mean 'heun'"),
        ('sampling = { sampler_steps = "ten" }', "diffusion"),
        ('grid = { "sampling.sampler_stepz" = [3] }', "did you mean 'sampler_steps'"),
        ('grid = { "sampling.sampler_steps" = [3, 0] }', "sampler_steps: got 0"),
    ],
)
def test_a_sampler_setting_that_cannot_work_is_refused_with_its_line(tmp_path, line, says):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN + line + "\n")
    with pytest.raises(InputError, match=says) as refused:
        read_runs(path)
    assert "line 5" in str(refused.value)
