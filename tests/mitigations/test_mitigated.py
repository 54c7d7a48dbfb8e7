"""Mitigations around generators that are trained: composition, saving, the order of what is seen."""

import json

import numpy as np
import pytest

import pushforward as pf
from pushforward.errors import InputError
from pushforward.generators import MLP
from pushforward.generators.adapters import SampleFunction
from pushforward.mitigations import (
    MITIGATIONS,
    Condition,
    Mitigated,
    Represent,
    Select,
    load,
    mitigate,
    parse,
)
from pushforward.quantities import QUANTITIES


@pytest.fixture(scope="module")
def paths():
    rng = np.random.default_rng(0)
    speed = rng.uniform(0.5, 1.5, (600, 1))
    heading = rng.uniform(0, 6, (600, 1)) + np.cumsum(rng.normal(0, 0.2, (600, 7)), axis=1)
    steps = np.stack([speed * np.cos(heading), speed * np.sin(heading)], axis=2)
    values = np.concatenate([np.zeros((600, 1, 2)), np.cumsum(steps, axis=1)], axis=1)
    return pf.Trajectories(values, channels=("x", "y"), units=("m", "m"))


def small():
    return MLP(steps=30, batch_size=64, width=16)


def test_a_composition_is_trained_saved_and_loaded(paths, tmp_path):
    made = mitigate(small(), ["represent(speed-heading)", "select(path-length, bins=4, most=500)"])
    made.fit(paths, seed=0, checkpoint=tmp_path)
    sample = made.sample(50, seed=1)
    assert sample.channels == ("x", "y")
    assert made.label == "mlp + represent(speed-heading) + select(path-length, bins=4, most=500.0)"
    again = load(tmp_path)
    assert isinstance(again, Mitigated)
    assert again.sample(50, seed=1).equals(sample)
    other = tmp_path / "saved"
    made.save(other)
    assert load(other).sample(50, seed=1).equals(sample)
    assert made.n_parameters == made.generator.n_parameters


def test_the_innermost_sees_the_codes_and_the_outermost_the_data(paths):
    class Seen(MLP):
        def fit(self, trajectories, **settings):
            self.channels, self.asked = trajectories.channels, settings.get("condition")
            return super().fit(trajectories, **settings)

    model = Seen(steps=2, batch_size=8, width=8)
    mitigate(model, [Represent("increments"), Condition("path-length")]).fit(paths)
    assert model.asked == "path-length"
    assert "path-length" in model.knowledge.conditions.names
    assert model.channels == parse("represent(increments)").fitted(paths).psi.encode(paths).channels


def test_a_conditioned_model_is_asked_for_the_intended_law(paths):
    made = Condition("path-length", "truncnormal(7, 0.5, 6, 8)").apply(small()).fit(paths)
    asked = made.sample(400, seed=0).conditions["path-length"]
    assert asked.mean() == pytest.approx(7, abs=0.1)
    assert asked.std() == pytest.approx(pf.Intended.parse("truncnormal(7, 0.5, 6, 8)").std, abs=0.06)
    own = made.sample(3, seed=0, condition=5.0)
    assert own.conditions["path-length"].tolist() == [5, 5, 5]


def test_a_law_beyond_what_can_be_asked_for_is_refused(paths):
    with pytest.raises(InputError, match=r"of the intended uniform\(0, 100\) lies beyond the data"):
        Condition("path-length", "uniform(0, 100)").apply(small()).fit(paths)


def test_a_model_of_codes_trained_elsewhere_is_decoded(paths):
    codes = Represent("increments").fitted(paths).psi.encode(paths)
    model = SampleFunction(
        lambda n, seed: codes.values[np.random.default_rng(seed).integers(600, size=n)], like=codes
    )
    made = Represent("increments").apply(model, paths).sample(100)
    assert made.channels == ("x", "y")
    distance = np.abs(made.values[:, None] - paths.values[None]).max(axis=(2, 3)).min(axis=1)
    assert distance.max() < 1e-4


def test_resuming_gives_the_same_as_without_the_break(paths, tmp_path):
    whole = mitigate(small(), "represent(increments)").fit(paths, seed=0)

    class Stopped(Exception):
        pass

    def stop(done, total, note=""):
        if done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mitigate(small(), "represent(increments)").fit(paths, seed=0, checkpoint=tmp_path, progress=stop)
    assert isinstance(load(tmp_path), Mitigated)
    resumed = mitigate(small(), "represent(increments)").fit(paths, seed=0, checkpoint=tmp_path, resume=True)
    assert resumed.sample(20, seed=0).equals(whole.sample(20, seed=0))


def test_a_representation_that_is_not_invertible_on_the_data_names_the_first_offender(paths):
    still = pf.Trajectories(
        np.concatenate([paths.values, np.zeros((1, 8, 2), np.float32)]), channels=("x", "y")
    )
    with pytest.raises(InputError, match="trajectory 600"):
        mitigate(small(), "represent(log-speed-turning)").fit(still)


def test_fixed_steps_are_refused_through_a_representation(paths):
    made = mitigate(small(), "represent(increments)").fit(paths)
    with pytest.raises(InputError, match="the model knows codes only"):
        made.sample(3, fixed={0: [0.0, 0.0]})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r.update(format="other"), "expected the mitigations of a run"),
        (lambda r: r.update(format_version=2), "has version '2'; expected 1"),
        (lambda r: r.update(models={}), "is of another model"),
        (lambda r: next(iter(r["models"].values()))[0].update(mitigation="os"), "unknown mitigation"),
        (
            lambda r: next(iter(r["models"].values()))[0].update(settings={"quantity": "os:system"}),
            "quantity 'os:system': expected a name",
        ),
        (
            lambda r: next(iter(r["models"].values()))[0].update(
                state={"law": {"edges": [1, 0], "mass": [1]}}
            ),
            "damaged",
        ),
        (lambda r: next(iter(r["models"].values()))[0].update(state=3), "got state 3"),
    ],
)
def test_damaged_and_foreign_records_are_refused(paths, tmp_path, change, said):
    mitigate(small(), "select(path-length)").fit(paths, checkpoint=tmp_path)
    file = tmp_path / "mitigations.json"
    record = json.loads(file.read_text())
    change(record)
    file.write_text(json.dumps(record))
    with pytest.raises(InputError, match=said):
        load(tmp_path)


def test_a_quantity_of_ones_own_is_given_to_load(paths, tmp_path):
    own = pf.Quantity(lambda t: t.values[:, -1, 0], name="my-end")
    mitigate(small(), Select(own)).fit(paths, checkpoint=tmp_path)
    with pytest.raises(InputError, match="one of your own is given as"):
        load(tmp_path)
    assert Mitigated.load(tmp_path, {"my-end": own}).mitigations[0].phi is own


@pytest.mark.parametrize(
    "text",
    [
        "select(path-length)",
        "select('path-length(unit=km)', bins=32)",
        "represent('reference-path(reference=mean)')",
        "represent('increments + whitened')",
        "condition(mean-speed, intended='uniform(1, 2)', guidance=2.0)",
        "deconvolve(path-length, kernel='gaussian(scale=0.02)')",
    ],
)
def test_labels_are_read_back(text):
    assert parse(text).label == text
    assert parse(text).name in MITIGATIONS


def test_calls_need_no_quotes():
    assert parse("select(path-length(unit=km))").label == "select('path-length(unit=km)')"
    assert parse("represent(increments + whitened)").label == "represent('increments + whitened')"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("selec(path-length)", "unknown mitigation 'selec'; did you mean 'select'"),
        ("select", "missing 1 required positional argument: 'quantity'"),
        ("select(path-length, bin=3)", "unknown setting of select 'bin'"),
        ("select(path-lengt)", "did you mean 'path-length'"),
        ("select(path-length, 3)", "expected setting=value"),
        ("select(", "mitigation 'select\\('"),
        ("", "mitigation ''"),
    ],
)
def test_bad_text_is_refused_in_one_line(text, said):
    with pytest.raises(InputError, match=said) as error:
        parse(text)
    assert "\n" not in str(error.value)


def test_every_registered_mitigation_declares_itself():
    for name in MITIGATIONS:
        kind = pf.mitigations.mitigation_class(name)
        assert kind.name == name
        assert kind.level in ("data", "interface", "representation", "training")
        assert all((kind.formula, kind.source, kind.cost))
    assert QUANTITIES
