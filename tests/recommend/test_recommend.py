import json
from dataclasses import replace

import numpy as np
import pytest

import pushforward as pf
from pushforward.cli import main
from pushforward.errors import InputError
from pushforward.recommend.candidates import _draws, _undamped
from pushforward.systems import create


@pytest.fixture(scope="module")
def maps():
    return create("logistic-map").sample(3000, pf.Intended.uniform(3.5, 4), T=32, seed=0)


@pytest.fixture(scope="module")
def found(maps):
    return pf.recommend(maps, "logistic-map-r")


def test_the_codes_in_which_errors_do_not_move_the_quantity_come_first(found):
    assert found.candidates[0].name == "map-parameter"
    assert found.best.name == "map-parameter"
    assert found.best.tv.high < found["identity"].tv.value
    drifts = [one.tv.value for one in found.candidates]
    assert drifts == sorted(drifts)


def test_the_table_ends_with_the_command_that_applies_the_winner(found):
    assert str(found).endswith('pushforward train DATA --mitigate "represent(map-parameter)" -o RUN')
    assert "speed-heading does not apply: got 1 position channels" in str(found)


def test_json_holds_the_candidates_with_the_do_nothing_one_among_them(found):
    record = json.loads(json.dumps(found.to_json(), allow_nan=False))
    names = [one["name"] for one in record["candidates"]]
    assert "identity" in names
    assert {"name", "forecast_drift", "low", "high", "cost", "command"} <= set(record["candidates"][0])


def test_nothing_is_recommended_where_nothing_is_better():
    rng = np.random.default_rng(0)
    noise = pf.Trajectories(rng.normal(size=(2000, 8, 1)), channels=("x0",))
    first = pf.Quantity(lambda t: t.values[:, 0, 0], name="first")
    result = pf.recommend(noise, first, representations=["increments", "cosines"])
    assert result.best.name == "identity"
    assert "recommended: nothing" in str(result)


def test_a_candidate_with_a_channel_that_is_not_there_says_which(maps):
    found = pf.recommend(maps, "logistic-map-r", representations=["gaussianized(channels=[w])"])
    assert found.refused == (("gaussianized(channels=('w',))", "unknown channel 'w'; valid: x"),)


def test_the_best_of_all_is_tried_with_normal_scores_on_top(found):
    first = min(
        (one for one in found.candidates if " + " not in one.name and one.kind == "representation"),
        key=lambda one: one.tv.value,
    )
    composed = found[f"{first.name} + gaussianized"]
    assert composed.command.endswith(f'--mitigate "represent({first.name} + gaussianized)" -o RUN')
    asked = pf.recommend(
        create("logistic-map").sample(300, pf.Intended.uniform(3.5, 4), T=32, seed=0),
        "logistic-map-r",
        representations=["map-parameter"],
    )
    assert [one.name for one in asked.candidates if " + " in one.name] == []


def test_each_candidate_tells_its_forecast_w1_as_the_forecast_does(found, maps):
    ahead = pf.forecast(pf.kernels.Gaussian(0.04), maps, "logistic-map-r", repeats=2)
    assert found["identity"].w1 == ahead.w1
    assert f"{ahead.w1.value:.4g}" in str(found)
    told = {one["name"]: one["w1"] for one in found.to_json()["candidates"]}
    assert told["identity"]["value"] == ahead.w1.value
    assert told["map-parameter"]["value"] < told["identity"]["value"]


def test_side_effects_are_those_of_the_errors(found, maps):
    nothing = found["identity"]
    assert nothing.error == pytest.approx(0.04, rel=0.05)
    assert nothing.diversity == pytest.approx(1, abs=0.02)
    assert found["map-parameter"].error > 0.5  # chaos: each trajectory moves far, their law does not


def test_validity_is_reported_where_a_check_is_given(maps):
    system = create("logistic-map")
    result = pf.recommend(maps, "logistic-map-r", representations=["map-parameter"], valid=system.valid)
    assert result["map-parameter"].validity > 0.9 > result["identity"].validity
    assert "valid" in str(result)


def test_side_effects_of_a_sorted_file_are_those_of_all_of_it(maps):
    r = pf.quantities.parse("logistic-map-r")
    seen = []

    def valid(made):
        seen.append(r(made))
        return np.ones(len(made), bool)

    ordered = maps.select(np.argsort(r(maps)))
    pf.recommend(ordered, r, kernel="gaussian(scale=0.001)", representations=["identity"], valid=valid)
    assert len(seen[-1]) == 2048 < len(maps)
    assert np.quantile(seen[-1], [0.01, 0.99]) == pytest.approx([3.505, 3.995], abs=0.02)


def test_the_same_seed_gives_the_same_recommendation(maps, found):
    again = pf.recommend(maps, "logistic-map-r", representations=["map-parameter"])
    assert again["map-parameter"] == found["map-parameter"]


def test_reweighting_is_a_candidate_for_a_stated_law(maps):
    result = pf.recommend(
        maps, "logistic-map-r", intended="uniform(3.6, 3.9)", representations=["map-parameter"]
    )
    kinds = {one.name.partition("(")[0] for one in result.candidates}
    assert {"identity", "map-parameter", "reweight"} <= kinds


def test_bad_arguments_are_refused(maps):
    with pytest.raises(InputError, match="has no scale"):
        pf.recommend(maps, "logistic-map-r", kernel="gaussian")
    with pytest.raises(InputError, match="unknown representation"):
        pf.recommend(maps, "logistic-map-r", representations=["speed"])


def test_the_command_writes_the_table_and_the_json(maps, tmp_path, capsys):
    pf.write(tmp_path / "data.npz", maps)
    arguments = [
        str(tmp_path / "data.npz"),
        "--representation",
        "map-parameter",
        "--json",
        str(tmp_path / "r.json"),
        "-o",
        str(tmp_path / "r.html"),
    ]
    assert main(["recommend", *arguments]) == 0
    told = capsys.readouterr().out
    assert 'data.npz --mitigate "represent(map-parameter)" -o RUN' in told
    assert "report in " in told
    assert "<bdi>map-parameter</bdi>" in (tmp_path / "r.html").read_text()
    assert json.loads((tmp_path / "r.json").read_text())["best"] == "map-parameter"
    assert main(["recommend", str(tmp_path / "data.npz"), "--representation", "speed"]) == 2
    assert capsys.readouterr().err.startswith("error: unknown representation 'speed'")


def test_a_result_that_has_no_place_is_refused_before_the_work(maps, tmp_path, capsys, monkeypatch):
    pf.write(tmp_path / "data.npz", maps)
    monkeypatch.setattr("pushforward.commands.recommend.recommend", lambda *_, **__: pytest.fail("worked"))
    for option in ("-o", "--json"):
        assert main(["recommend", str(tmp_path / "data.npz"), option, str(tmp_path / "no" / "r")]) == 2
        assert "does not exist; create it first" in capsys.readouterr().err


def test_the_command_checks_validity_by_a_system(maps, tmp_path, capsys):
    pf.write(tmp_path / "data.npz", maps)
    command = ["recommend", str(tmp_path / "data.npz"), "--representation", "map-parameter", "--system"]
    assert main([*command, "logistic-map", "--json", str(tmp_path / "r.json")]) == 0
    first = json.loads((tmp_path / "r.json").read_text())["candidates"][0]
    assert (first["name"], first["validity"]) == ("map-parameter", 1.0)
    capsys.readouterr()
    assert main([*command, "map"]) == 2
    assert capsys.readouterr().err.startswith("error: unknown system 'map'")


def test_a_winner_that_is_less_often_valid_is_recommended_with_a_warning(maps):
    rough = pf.recommend(
        maps, "logistic-map-r", representations=["map-parameter"], valid=lambda made: np.ones(len(made), bool)
    )
    assert rough.warning == ""
    first, *others = rough.candidates
    warned = replace(rough, candidates=(replace(first, validity=0.5), *others))
    assert "valid with map-parameter than as it is, 50.0% for 100.0%" in warned.warning
    assert str(warned).endswith(warned.warning)
    assert replace(rough, candidates=(replace(first, validity=0.97), *others)).warning == ""


@pytest.fixture(scope="module")
def told():
    """What progress was told while `piloted` was made."""
    return []


@pytest.fixture(scope="module")
def piloted(maps, told):
    model = pf.generators.create("mlp", steps=120, batch_size=32, width=64)
    return pf.recommend(
        maps,
        "logistic-map-r",
        generator=model,
        share=0.3,
        representations=["map-parameter"],
        progress=lambda done, total=None, note="": told.append((done, total)),
    )


def test_with_a_generator_the_errors_are_those_of_thin_models_in_each_candidates_codes(piloted):
    assert piloted.kernel == "pilot(generator=mlp, steps=120, share=0.3)"
    assert piloted["map-parameter"].tv.value < piloted["identity"].tv.value / 2
    # In the trajectories themselves, in the codes, both with r as a condition; and one that judges the deconvolution.
    assert piloted.pilots.n == 5
    assert 0 < piloted.pilots.share <= 5 * 0.3
    assert "5 pilots: " in str(piloted)
    training = "--generator mlp --steps 120 --batch-size 32 --width 64"
    assert piloted["map-parameter"].command == (
        f'pushforward train DATA {training} --mitigate "represent(map-parameter)" -o RUN'
    )
    assert piloted.to_json()["pilots"]["n"] == 5


def test_progress_is_told_of_the_steps_of_every_pilot(piloted, told):
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {total for _, total in told} == {100}
    assert told[-1] == (100, 100)
    assert len({done for done, _ in told}) > 4


def test_the_best_representation_is_tried_with_the_condition_too(piloted):
    both = piloted["represent(map-parameter) + condition(logistic-map-r)"]
    assert both.cost == "one encoding, one more input"
    assert both.command.endswith(
        '--mitigate "represent(map-parameter)" --mitigate "condition(logistic-map-r)" -o RUN'
    )
    # It errs where its codes do.
    assert both.tv.value < piloted["condition(logistic-map-r)"].tv.value


def test_commands_spell_the_settings_of_the_training(maps):
    few = maps.select(slice(0, 200))
    model = pf.generators.create("diffusion", steps=10, batch_size=16, widths=(8, 16), device="cpu")
    found = pf.recommend(
        few, "logistic-map-r", generator=model, share=0.5, representations=["identity"], mitigations=[]
    )
    training = "--generator diffusion --steps 10 --batch-size 16 --device cpu --widths 8 16"
    assert found["identity"].command == f"pushforward train DATA {training} -o RUN"
    spelled = pf.recommend(
        few,
        "logistic-map-r",
        kernel="pilot(generator=mlp, steps=40, share=0.5)",
        representations=["identity"],
        mitigations=[],
    )
    assert spelled["identity"].command == "pushforward train DATA --generator mlp --steps 40 -o RUN"


def test_a_quantity_that_some_lack_is_neither_condition_nor_guide(maps):
    partly = pf.Quantity(
        lambda x: np.where(x.values[:, 0, 0] > 0.5, x.values[:, 1, 0], np.nan), name="partly"
    )
    model = pf.generators.create("mlp", steps=40, batch_size=16, width=16)
    found = pf.recommend(maps, partly, generator=model, share=0.5, representations=["identity"])
    assert [name for name, _ in found.refused] == ["condition(partly)", "guide"]
    assert "not defined on" in found.refused[0][1]
    assert "non-differentiable" in found.refused[1][1]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"quantity": "cone-half-angle"}, "unknown channel 'y'"),
        ({"valid": create("cone").valid}, "unknown channel 'y'"),
        ({"quantity": pf.Quantity(lambda x: np.full(len(x), np.nan), name="none")}, "is defined for none"),
    ],
    ids=["quantity", "validity", "undefined"],
)
def test_what_does_not_fit_the_data_is_refused_before_a_pilot_is_trained(maps, asked, message, monkeypatch):
    monkeypatch.setattr("pushforward.pilots.training.trained", lambda *_, **__: pytest.fail("trained"))
    order = {"quantity": "logistic-map-r", "generator": "mlp", **asked}
    with pytest.raises(InputError, match=message):
        pf.recommend(maps, **order)


def test_guiding_is_a_candidate_that_needs_no_further_pilot(piloted):
    guided = piloted["guide(logistic-map-r)"]
    assert guided.kind == "mitigation"
    assert guided.tv.value < piloted["identity"].tv.value
    assert guided.command.endswith('--mitigate "guide(logistic-map-r)" -o RUN')


def test_mitigations_of_the_training_are_tried_on_pilots_that_have_them(maps):
    model = pf.generators.create("mlp", steps=40, batch_size=16, width=16)
    found = pf.recommend(
        maps,
        "logistic-map-r",
        generator=model,
        share=0.5,
        representations=["identity"],
        mitigations=["match", "jacobian(0.1)"],
    )
    names = {one.name for one in found.candidates}
    assert {"match(logistic-map-r)", "jacobian(0.1)"} <= names
    assert "guide(logistic-map-r)" not in names
    # As it is, with the condition, two with mitigations, one that judges the deconvolution; penalties within the share.
    assert found.pilots.n == 5
    assert found.pilots.share <= 5 * 0.5
    assert found["jacobian(0.1)"].tv != found["identity"].tv


def test_of_those_not_told_apart_the_most_often_valid_is_recommended(piloted):
    first, *others = piloted.candidates
    second = replace(others[0], tv=replace(first.tv, value=first.tv.high))
    pair = [replace(first, validity=0.3), replace(second, validity=0.6)]
    rest = [replace(one, validity=0.9) for one in others[1:]]
    assert replace(piloted, candidates=(*pair, *rest)).best.name == second.name
    hardly = replace(second, validity=0.33)
    assert replace(piloted, candidates=(pair[0], hardly, *rest)).best.name == first.name
    # Told apart, or by errors of one size, which know nothing of validity: the least drift.
    worse = replace(second, tv=replace(first.tv, value=first.tv.high * 1.01), validity=0.6)
    assert replace(piloted, candidates=(pair[0], worse, *rest)).best.name == first.name
    assert replace(piloted, candidates=(*pair, *rest), pilots=None).best.name == first.name


def test_ragged_trajectories_are_not_compared_with_made_ones_of_other_lengths(maps):
    from pushforward.kernels.sampled import Sampled

    ragged = pf.Trajectories(maps.values[:50], lengths=np.arange(50) % 20 + 10)
    with pytest.raises(InputError, match="several lengths"):
        Sampled(generator=pf.generators.create("mlp")).deviate(ragged, np.random.default_rng(0))


def test_with_a_generator_conditioning_is_a_candidate(piloted, maps):
    told = piloted["condition(logistic-map-r)"]
    assert told.kind == "mitigation"
    assert told.command.endswith('--mitigate "condition(logistic-map-r)" -o RUN')
    model = pf.generators.create("mlp", steps=120, batch_size=32, width=64)
    stated = pf.recommend(
        maps,
        "logistic-map-r",
        generator=model,
        share=0.3,
        representations=["identity"],
        intended="uniform(3.6, 3.9)",
    )
    # A stated law is asked for at other places than the data are: that is not forecast.
    assert "condition(logistic-map-r)" not in {one.name for one in stated.candidates}


def test_without_one_nothing_is_trained(found):
    assert found.pilots is None
    assert found.to_json()["pilots"] is None


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"generator": "mlp", "kernel": "gaussian(scale=0.1)"}, "kernel and generator: got both"),
        ({"generator": "perceptron"}, "unknown generator 'perceptron'"),
        ({"generator": "mlp", "share": 0.9}, "'share': got 0.9"),
        ({"share": 0.2}, "share: got 0.2 without a generator"),
        ({"generator": 7}, "generator: got int; expected one such as"),
        ({"mitigations": ["match"]}, "mitigations: got match; expected a generator"),
        ({"generator": "mlp", "mitigations": ["prayer"]}, "unknown mitigation 'prayer'"),
    ],
    ids=[
        "both",
        "unknown",
        "large share",
        "share alone",
        "no generator",
        "mitigation alone",
        "no mitigation",
    ],
)
def test_what_cannot_be_piloted_is_refused(maps, asked, message):
    with pytest.raises(InputError, match=message):
        pf.recommend(maps, "logistic-map-r", **asked)


def test_settings_of_a_training_without_a_generator_are_refused(maps, tmp_path, capsys):
    pf.write(tmp_path / "data.npz", maps)
    for option, value in (("--batch-size", "8"), ("--share", "0.2")):
        assert main(["recommend", str(tmp_path / "data.npz"), option, value]) == 2
        assert capsys.readouterr().err.startswith(f"error: {option}: belongs to --generator")


def test_it_says_in_which_codes_a_selection_draws_least(found):
    fewest = found.for_selection
    assert fewest.draws == min(one.draws for one in found.candidates if one.kind == "representation")
    assert fewest.draws < found["identity"].draws
    assert found.to_json()["for_selection"] == fewest.name
    assert f"kept in {fewest.name} ({fewest.drawn}, {found['identity'].drawn} as it is)" in str(found)


def test_draws_are_those_of_the_pilot_itself_not_of_the_share_of_its_drift_that_lasts():
    """A pilot that hardly makes the upper half: the kernel that leaves half of the data as they are never tells."""
    wanted, made = np.array([0.0, 0.5, 0.5, 0.0]), np.array([0.0, 0.74, 0.26, 0.0])
    pilot = _undamped(wanted, made, 0.5)
    assert pilot == pytest.approx([0.0, 0.98, 0.02, 0.0])
    assert _draws(wanted, pilot) == pytest.approx(25)
    assert _draws(wanted, _undamped(wanted, made, 1.0)) == pytest.approx(0.5 / 0.26)


def test_of_resampled_data_a_pilot_makes_what_it_makes_of_their_law():
    """Errors that move a quarter of the upper half down, met by data with more of it: nothing is left to select."""
    kappa = np.array([[1.0, 0.0], [0.25, 0.75]])
    data = np.array([1 / 3, 2 / 3])
    half = data @ (0.5 * np.eye(2) + 0.5 * kappa)
    assert _undamped(data, half, 0.5) == pytest.approx(data @ kappa)
    assert data @ kappa == pytest.approx([0.5, 0.5])
