"""A phenomenon: the criteria that stand together for one published finding."""

import attrs

from ...declare.arguments import checked
from ...errors import DeclarationError
from .criterion import Criterion


@checked(DeclarationError)
@attrs.frozen(kw_only=True)
class Phenomenon:
    """A published finding: criteria of which all required ones must pass.

    Parameters
    ----------
    id : str
        One word, e.g. "P01".
    name : str
        What was found, in a few words.
    criteria : tuple of Criterion
        At least one of them required, and every one with an id of its own.
    """

    id: str = attrs.field()
    name: str
    criteria: tuple[Criterion, ...] = attrs.field(converter=tuple)

    @id.validator
    def _word(self, attribute, value):
        if value.split() != [value]:
            raise DeclarationError(
                f"a phenomenon cannot be called {value!r}",
                where="Phenomenon(id=...)",
                fix="give one word, e.g. 'P01'",
            )

    @criteria.validator
    def _stand_together(self, attribute, value):
        ids = [criterion.id for criterion in value]
        if len(set(ids)) < len(ids):
            what, fix = f"criteria share a name: {', '.join(ids)}", "give every one its own id"
        elif not any(criterion.required for criterion in value):
            what, fix = "no criterion is required", "mark what the finding stands on as required"
        else:
            return
        raise DeclarationError(what, where=f"Phenomenon({self.id!r})", fix=fix)
