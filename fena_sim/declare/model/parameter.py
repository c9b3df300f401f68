"""A parameter: its value, and what it means."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import attrs
from brian2 import Quantity

from ...errors import DeclarationError
from ..arguments import checked


@checked(DeclarationError)
@attrs.frozen
class Parameter:
    """A value with its meaning, for `parameters` of a Population, Projection or Plasticity.

    ``tau=Parameter(14*ms, "time constant of the states")`` declares what ``tau=14*ms`` does, and
    `fena describe` prints the meaning beside the value. The declaration keeps the plain value in
    its `parameters` and the meaning in its `meanings`. A meaning is no part of a run's identity.

    Parameters
    ----------
    value : float or Quantity
        A number or a scalar quantity. The table of a model file may also hold several, say one for
        each level, of which `with_value` takes one at a time.
    meaning : str
        A few words.

    Raises
    ------
    DeclarationError
        If the meaning is no text, or an empty one.
    """

    value: object
    meaning: str = attrs.field()

    @meaning.validator
    def _check_meaning(self, attribute, value):
        if not isinstance(value, str) or not value.strip():
            raise DeclarationError(
                f"the meaning of a parameter is {value!r}, not a text",
                where=f"Parameter of value {self.value}",
                fix='write e.g. Parameter(14*ms, "time constant of the states")',
            )

    def with_value(self, value: object) -> "Parameter":
        """The same meaning with another value."""
        return attrs.evolve(self, value=value)


class _Declaration(Protocol):
    """What is read of a Population, Projection or Plasticity, which import this module."""

    @property
    def parameters(self) -> Mapping[str, float | Quantity | Parameter]: ...

    @property
    def meanings(self) -> Mapping[str, str]: ...


def keep_meanings(declaration: _Declaration) -> None:
    """Leave plain values in the `parameters` of a declaration under construction, and put the
    meanings of its Parameters into its `meanings`.
    """
    given = declaration.parameters
    values = {n: v.value if isinstance(v, Parameter) else v for n, v in given.items()}
    meanings = {n: m for n, m in declaration.meanings.items() if n in values}
    meanings |= {n: v.meaning for n, v in given.items() if isinstance(v, Parameter)}
    # attrs' own way to set a field of a frozen instance while it is made
    object.__setattr__(declaration, "parameters", MappingProxyType(values))
    object.__setattr__(declaration, "meanings", MappingProxyType(meanings))
