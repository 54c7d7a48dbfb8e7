"""Settings that cannot work are refused before the training starts, in one line."""

import pytest
from tests.monitor.walks import DATA, walks

from pushforward.errors import InputError
from pushforward.monitor import DriftMonitor, MonitorSettings


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"every": 0}, "every"),
        ({"n": 1}, "n"),
        ({"share": 1.5}, "share"),
        ({"patience": 0}, "patience"),
        ({"evry": 3}, "did you mean 'every'"),
        ({"tracker": "tensorbord:logs"}, "tensorboard"),
        ({"tracker": "wandb:"}, "names nothing"),
        ({"tracker": 3}, "begin"),
        ({"quantities": "path-lenght"}, "did you mean 'path-length'"),
        ({"quantities": "mechanical-energy"}, "mechanical-energy"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"group": "storm"}, "group"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_one_line(settings, says):
    with pytest.raises(InputError, match=says) as refused:
        DriftMonitor(DATA, **settings)
    assert "\n" not in str(refused.value)


def test_a_sampler_that_gives_another_number_is_refused():
    monitor = DriftMonitor(DATA, every=1, n=50, share=None)
    with pytest.raises(InputError, match=r"gave 49 trajectories; expected 50"):
        monitor.step(1, lambda n, seed: walks(n - 1, seed))


def test_settings_are_one_frozen_dataclass():
    settings = MonitorSettings(every=3, n=20)
    assert DriftMonitor(DATA, settings=settings).settings == settings
    assert DriftMonitor(DATA, settings=settings, n=30).settings == MonitorSettings(every=3, n=30)
