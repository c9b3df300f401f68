"""What a user writes: model, stimulus, protocol. Plain data with units, checked on construction; no Brian2 object, no file."""

from ..errors import FenaError
from ..extras import pip_command

try:
    import brian2  # noqa: F401  (whatever of fena_sim needs Brian2 reads declarations first)
except AttributeError as error:  # Brian2 up to 2.9 reads ndarray.ptp, which NumPy 2.4 lacks
    raise FenaError(
        f"Brian2 cannot be imported: {error}",
        where="Brian2 up to 2.9 with NumPy 2.4 or newer",
        fix=f"{pip_command('numpy<2.4')}; or, with Python 3.12 or newer, a newer Brian2",
    ) from error
