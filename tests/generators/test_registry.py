"""The registry: names, lazy loading, errors that list what there is."""

from __future__ import annotations

import subprocess
import sys

import pytest

import pushforward.generators
from pushforward.errors import InputError
from pushforward.generators.base import AbstractGenerator


@pytest.mark.parametrize(
    "statement", ["import pushforward.generators", "import pushforward; pushforward.generators"]
)
def test_looking_at_the_generators_does_not_import_torch(statement: str) -> None:
    code = f"{statement}; import sys; assert 'torch' not in sys.modules, 'torch is loaded'"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_registered_generator_is_one_and_says_where_it_comes_from() -> None:
    for name in pushforward.generators.GENERATORS:
        found = pushforward.generators.generator_class(name)
        assert issubclass(found, AbstractGenerator)
        assert found.name == name
        assert found.source
        assert found.about == pushforward.generators.ABOUT[name]
        assert getattr(pushforward.generators, found.__name__) is found


def test_create_passes_the_settings() -> None:
    made = pushforward.generators.create("diffusion", steps=7)
    assert isinstance(made, pushforward.generators.Diffusion)
    assert made.settings.steps == 7


def test_unknown_names_are_answered_with_the_valid_ones() -> None:
    with pytest.raises(InputError, match="unknown generator 'difusion'; did you mean 'diffusion'"):
        pushforward.generators.create("difusion")
    with pytest.raises(InputError, match="unknown setting of Diffusion 'step'"):
        pushforward.generators.create("diffusion", step=3)
    with pytest.raises(AttributeError, match="Diffusoin"):
        _ = pushforward.generators.Diffusoin
