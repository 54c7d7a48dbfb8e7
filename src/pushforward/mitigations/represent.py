"""Train in other coordinates, decode what is sampled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, final

from pushforward.errors import require
from pushforward.generators.base import AbstractGenerator
from pushforward.mitigations.account import Account
from pushforward.mitigations.base import AbstractMitigation, Draw
from pushforward.mitigations.representation_records import from_record, to_record
from pushforward.representations import parse
from pushforward.representations.base import AbstractRepresentation
from pushforward.trajectories import Trajectories

__all__ = ["Represent"]


@final
@dataclass(frozen=True)
class Represent(AbstractMitigation):
    """x = ψ⁻¹(z), z ~ a model trained on z = ψ(x): the model's local errors are then errors of z.

    A generator that is trained already is taken to make codes: `apply(generator, data)` decodes them.

    Attributes:
        representation: ψ, or its name (`speed-heading`, `reference-path(reference=mean)`, `increments + whitened`).
        tolerance: largest round-trip error on the data, in standard deviations of a channel.
    """

    name: ClassVar[str] = "represent"
    level: ClassVar[str] = "representation"
    formula: ClassVar[str] = "x = ψ⁻¹(z), z ~ a model trained on ψ(x)"
    source: ClassVar[str] = "arXiv 2605.20299 (kernel-informed representation)"
    cost: ClassVar[str] = "a training; encoding and decoding take seconds"
    needs_training: ClassVar[bool] = False

    representation: AbstractRepresentation | str
    tolerance: float = 1e-3

    def __post_init__(self) -> None:
        """Look the representation up where it is named.

        Raises:
            InputError: an unknown one, or a tolerance that is not positive.
        """
        super().__post_init__()
        if isinstance(self.representation, str):
            object.__setattr__(self, "representation", parse(self.representation))
        require(
            self.tolerance > 0, f"represent: got tolerance {self.tolerance:g}; expected a positive number"
        )

    @property
    def psi(self) -> AbstractRepresentation:
        """The representation."""
        assert isinstance(self.representation, AbstractRepresentation)
        return self.representation

    def fitted(self, data: Trajectories) -> Self:
        """The representation fitted, and found invertible on the data.

        Raises:
            InputError: it does not apply, or a trajectory does not come back; names the first.
        """
        return replace(self, representation=self.psi.checked(data, self.tolerance))

    def require_fitted(self) -> None:
        """Refuse to decode without a space to decode to."""
        self.psi.known_space  # noqa: B018 - refused where it is missing

    def training(self, data: Trajectories, seed: int) -> tuple[Trajectories, dict[str, Any]]:
        """The codes."""
        return self.psi.encode(data), {}

    def learner(self, generator: AbstractGenerator) -> AbstractGenerator:
        """The generator; a penalty on a quantity sees what codes decode to.

        Raises:
            InputError: such a penalty, and a decoding without gradient.
        """
        if not getattr(generator, "penalties", ()):
            return generator
        from pushforward.generators.penalised import penalised
        from pushforward.representations.torch_decoding import of_codes

        for penalty in generator.penalties:  # type: ignore[attr-defined]
            generator = penalised(
                generator, penalty.of_codes(lambda phi, owner: of_codes(phi, self.psi, owner))
            )
        return generator

    def sampled(
        self, draw: Draw, n: int, seed: int, settings: Mapping[str, Any], account: Account
    ) -> Iterator[Trajectories]:
        """Decoded batch by batch.

        Raises:
            InputError: fixed steps, which are values of x and not of z, or a guide through a decoding without gradient.
        """
        require(
            not settings.get("fixed"),
            f"fixed: got steps to keep with {self.label}; expected none, as the model knows codes only",
        )
        given = dict(settings)
        if given.get("steering") is not None:
            from pushforward.representations.torch_decoding import of_codes

            steering = given["steering"]
            given["steering"] = replace(steering, phi=of_codes(steering.phi, self.psi, "guide"))
        return (self.psi.decode(part) for part in draw(n, seed, given))

    def state(self) -> dict[str, Any]:
        """The fitted representation."""
        return {"representation": to_record(self.psi)}

    def with_state(self, state: Mapping[str, Any], where: str) -> Self:
        """With the fitted representation."""
        return replace(self, representation=from_record(state.get("representation"), where))
