"""Parts add to the whole, and a masked kernel keeps exactly the parts that it was told to."""

import numpy as np
import pytest

import pushforward as pf
from pushforward.errors import InputError
from pushforward.explain import Channels, FrequencyBands, Masked, NoiseLevels, TimeSegments
from pushforward.explain.masked import drawing
from pushforward.kernels import Gaussian, LocalScore, Shrinkage, Spectral


def walks(n=40, steps=20, channels=3, ragged=False):
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.normal(size=(n, steps, channels)), axis=1)
    lengths = rng.integers(2, steps + 1, size=n) if ragged else None
    return pf.Trajectories(values.astype(np.float32), lengths=lengths)


PARTS = {
    "time": TimeSegments(4),
    "channels": Channels(),
    "frequency": FrequencyBands(4),
    "noise-levels": NoiseLevels((0.05, 0.1, 0.2)),
}
KERNELS = {"gaussian": Gaussian(0.2), "shrinkage": Shrinkage(0.2), "spectral": Spectral(0.2)}


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", PARTS)
def test_parts_add_to_the_whole(name, kernel, ragged):
    data, parts = walks(ragged=ragged), PARTS[name]
    draw = drawing(KERNELS[kernel], data, np.random.default_rng(3))
    found = parts.split(draw, data)
    assert len(found) == len(parts.labels(data))
    whole = np.where(data.mask[:, :, None], draw(None), 0)
    np.testing.assert_allclose(np.where(data.mask[:, :, None], sum(found), 0), whole, atol=3e-6)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("name", PARTS)
def test_a_masked_kernel_with_all_parts_is_the_kernel_and_with_none_the_data(name, ragged):
    data, parts, kernel = walks(ragged=ragged), PARTS[name], KERNELS["gaussian"]
    n = len(parts.labels(data))
    whole = Masked(kernel=kernel, parts=parts, keep=tuple(range(n))).deviate(data, np.random.default_rng(5))
    wanted = kernel.deviate(data, np.random.default_rng(5))
    np.testing.assert_allclose(whole.values, wanted.values, atol=1e-5)
    none = Masked(kernel=kernel, parts=parts).deviate(data, np.random.default_rng(5))
    assert np.array_equal(none.values, data.values)


def test_what_is_masked_stays_the_data():
    data = walks()
    rng = np.random.default_rng(1)
    channel = Masked(kernel=Gaussian(0.3), parts=Channels(), keep=(1,)).deviate(data, rng)
    changed = (channel.values != data.values).any(axis=(0, 1))
    assert changed.tolist() == [False, True, False]
    late = Masked(kernel=Gaussian(0.3), parts=TimeSegments(2), keep=(1,)).deviate(data, rng)
    changed = (late.values != data.values).any(axis=(0, 2))
    assert changed.tolist() == [False] * 10 + [True] * 10


def test_a_forecast_of_a_masked_kernel_is_a_forecast_of_what_is_left():
    """Only the errors of one of two independent channels: the spread is that channel's."""
    data = pf.Trajectories(np.random.default_rng(0).normal(size=(4000, 3, 2)).astype(np.float32))
    total = pf.Quantity(lambda tracks: tracks.values.sum(axis=(1, 2)), name="sum")
    kernel = Gaussian(0.3, relative=False)
    spreads = {
        keep: float(np.nanmean(pf.explain(Masked(kernel=kernel, parts=Channels(), keep=keep), data, total, by=())
                               .spread.value[8:-8]))
        for keep in ((0,), (0, 1))
    }  # fmt: skip
    assert spreads[0,] == pytest.approx(3 * 0.09 / 2, rel=0.1)
    assert spreads[0, 1] == pytest.approx(6 * 0.09 / 2, rel=0.1)


def test_time_segments_follow_each_trajectorys_own_duration():
    data = walks(ragged=True)
    found = TimeSegments(4).split(lambda _: np.ones_like(data.values), data)
    held = [np.where(data.mask, part[:, :, 0], 0).sum(axis=1) for part in found]
    long = data.steps >= 8
    for counts in held:
        assert np.all(np.abs(counts[long] - data.steps[long] / 4) <= 1)
    assert TimeSegments(4).labels(data)[0] == "0–25 % of the time"
    assert TimeSegments(4).labels(walks(steps=10)) == ("steps 0–2", "steps 3–4", "steps 5–7", "steps 8–9")
    assert TimeSegments(4).labels(walks(steps=2)) == ("step 0", "step 1")


@pytest.mark.parametrize(("period", "band"), [(3, 3), (6, 2), (12, 1), (40, 0)])
def test_a_wave_lies_in_the_band_of_its_period(period, band):
    data = pf.Trajectories(np.zeros((1, 64, 1), dtype=np.float32))
    # A whole number of half periods of the cosine transform.
    k = round(2 * 64 / period)
    wave = np.cos(np.pi * k * (np.arange(64) + 0.5) / 64)[None, :, None].astype(np.float32)
    parts = FrequencyBands(4)
    power = [float(np.square(part).sum()) for part in parts.split(lambda _: wave, data)]
    assert power[band] > 0.999 * sum(power)
    assert parts.labels(data) == (
        "periods over 16 steps", "periods of 8–16 steps", "periods of 4–8 steps", "periods of 2–4 steps",
    )  # fmt: skip


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_short_trajectories_have_fewer_bands(steps):
    data = walks(steps=steps)
    labels = FrequencyBands(6).labels(data)
    assert len(labels) == len(FrequencyBands(6).split(lambda _: np.ones_like(data.values), data))
    assert len(labels) <= steps


def test_noise_levels_of_a_kernel_that_is_proportional_to_its_scale_are_proportional():
    data = walks()
    draw = drawing(Gaussian(0.2), data, np.random.default_rng(3))
    found = NoiseLevels((0.05, 0.1, 0.2)).split(draw, data)
    for part, share in zip(found, (0.25, 0.25, 0.5), strict=True):
        np.testing.assert_allclose(part, share * draw(None), atol=2e-6)


def test_noise_levels_are_cut_by_default_where_the_scale_is_one():
    data = walks(n=60, steps=6, channels=1)
    made = pf.explain(LocalScore(0.2, patches=60), data, "path-length", sample=60)
    assert [one.name for one in made.attributions] == ["time", "frequency", "noise-levels"]
    levels = made.attribution("noise-levels")
    assert levels.parts == ("σ up to 0.025", "0.025 to 0.05", "0.05 to 0.1", "0.1 to 0.2")
    assert sum(one.value for one in levels.shift) == pytest.approx(levels.total_shift.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: TimeSegments(7), "1 to 6"),
        (lambda: FrequencyBands(0), "1 to 6"),
        (lambda: NoiseLevels((0.2, 0.1)), "rising"),
        (lambda: Masked(kernel=Gaussian(0.1)), "expected a kernel and its parts"),
        (
            lambda: Masked(kernel=Gaussian(0.1), parts=Channels(), keep=(9,)).deviate(
                walks(), np.random.default_rng(0)
            ),
            "parts 0 to 2",
        ),
        (lambda: pf.explain(Gaussian(0.1), walks(), "path-length", by=("colour",)), "unknown parts 'colour'"),
        (
            lambda: pf.explain(Gaussian(0.1), walks(), "path-length", by=(NoiseLevels((0.1, 0.3)),)),
            "scale 0.1",
        ),
        (lambda: pf.explain(Gaussian(0.1), walks(), "path-length", by=(NoiseLevels(),)), "got none"),
        (lambda: pf.explain(Gaussian(0.1), walks(), "path-length", sample=1), "sample"),
        (lambda: pf.explain(Gaussian(), walks(), "path-length"), "has no scale"),
    ],
)
def test_what_cannot_be_is_refused(make, said):
    with pytest.raises(InputError, match=said):
        make()
