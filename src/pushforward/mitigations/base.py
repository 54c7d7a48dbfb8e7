"""What a mitigation is: something done to a generator's data, interface, representation or training against drift."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pushforward.errors import require
from pushforward.quantities.base import AbstractQuantity
from pushforward.quantities.settings import fit_settings
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from pushforward.generators.base import AbstractGenerator
    from pushforward.mitigations.account import Account
    from pushforward.mitigations.mitigated import Mitigated

__all__ = ["AbstractMitigation", "Draw", "learned"]

Draw = Callable[[int, int, Mapping[str, Any]], Iterator[Trajectories]]
"""(n, seed, settings of the sampler) -> n trajectories in batches."""

_LEARNED = "learned"


def learned(default: Any = None) -> Any:
    """A field that `fitted` fills from data: keyword-only, no setting, not part of the mitigation's name."""
    return field(default=default, kw_only=True, repr=False, compare=False, metadata={_LEARNED: True})


@dataclass(frozen=True)
class AbstractMitigation(ABC):  # noqa: B024 - every hook has a default that does nothing
    """One way against drift, as a wrapper around any generator.

    A concrete one is a frozen dataclass of its settings in one file, declares the names below, and overrides
    those of the hooks that it needs: what it learns from the data (`fitted`), what the generator is trained on
    (`training`), how it is trained (`learner`), and what becomes of its samples (`sampled`).

    Class attributes:
        name: in kebab-case, as in the registry.
        level: where it acts.
        formula: what it does in one line.
        source: where it is from.
        cost: what it takes, in words.
        needs_training: whether it acts before or in training, so that a trained model cannot be given it.
    """

    name: ClassVar[str] = ""
    level: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    source: ClassVar[str] = "pushforward"
    cost: ClassVar[str] = ""
    needs_training: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Make the settings fit their declared types.

        Raises:
            InputError: a setting of another type.
        """
        fit_settings(self, f"mitigation {self.name!r}")

    def apply(self, generator: AbstractGenerator, data: Trajectories | None = None) -> Mitigated:
        """The generator with this mitigation; to be trained by `fit`.

        Args:
            generator: any, an adapter or a mitigated one included.
            data: only for a generator that is already trained: what the mitigation learns from.

        Raises:
            InputError: data that it cannot learn from, or a mitigation that needs to be trained with.
        """
        from pushforward.mitigations.mitigated import Mitigated

        mitigation = self
        if data is not None:
            require(
                not self.needs_training,
                f"mitigation {self.name!r}: acts before or in training; expected no data here, but fit(data) after",
            )
            mitigation = self.fitted(data)
        return Mitigated.around(generator, mitigation)

    def fitted(self, data: Trajectories) -> Self:
        """The same with what it learns from the data that samples are to be like."""
        return self

    def learner(self, generator: AbstractGenerator) -> AbstractGenerator:
        """What is trained in the generator's place; with an attribute `origin` where that one is to be kept."""
        return generator

    def training(self, data: Trajectories, seed: int) -> tuple[Trajectories, dict[str, Any]]:
        """What the generator is trained on, and further settings of its `fit`."""
        return data, {}

    def sampled(
        self, draw: Draw, n: int, seed: int, settings: Mapping[str, Any], account: Account
    ) -> Iterator[Trajectories]:
        """n trajectories from what the generator draws; `account` takes note of the cost."""
        return draw(n, seed, settings)

    def require_fitted(self) -> None:
        """Refuse to sample before `fitted`.

        Raises:
            InputError: it has not learned what it needs.
        """
        return

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by name, without what was learned."""
        return {f.name: getattr(self, f.name) for f in fields(self) if not f.metadata.get(_LEARNED)}

    @property
    def label(self) -> str:
        """How it is shown and spelled: the name, and the settings that differ from the defaults."""
        shown = [f for f in fields(self) if not f.metadata.get(_LEARNED)]
        given = [
            (f"{f.name}=" if place else "") + _spelled(getattr(self, f.name))
            for place, f in enumerate(shown)
            if getattr(self, f.name) != f.default
        ]
        return self.name + (f"({', '.join(given)})" if given else "")

    def state(self) -> dict[str, Any]:
        """What was learned, as JSON types."""
        return {}

    def with_state(self, state: Mapping[str, Any], where: str) -> Self:
        """The mitigation with what `state` gave.

        Raises:
            InputError: a damaged record; `where` names its file.
        """
        return self


def _spelled(value: object) -> str:
    if isinstance(value, AbstractQuantity):
        value = value.label
    label = getattr(value, "label", getattr(value, "text", None))
    text = str(value if label is None else label)
    return repr(text) if any(c in text for c in "(),= ") else text
