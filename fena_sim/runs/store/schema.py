"""What a manifest must be for its readers, as a JSON schema; what they do not read is not told."""

from collections.abc import Callable
from functools import cache

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
WHOLE = {"type": "integer"}
#: Tokens, streams, steps and units that were counted.
COUNT = {"type": "integer", "minimum": 0, "maximum": 2**53}
#: Of a variable, a population or a block: never a path to somewhere else.
NAME = {"type": "string", "pattern": r"^\w+\Z"}
NUMBER_OR_NONE = {"type": ["number", "null"]}
OBJECT = {"type": "object"}


def _object(optional: dict | None = None, **required: dict) -> dict:
    """An object with these entries, and any others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


def _list(items: dict) -> dict:
    return {"type": "array", "items": items}


def _map(values: dict) -> dict:
    return {"type": "object", "additionalProperties": values}


DECLARED_MODEL = _object(
    populations=_list(
        _object(
            name=NAME,
            level={"type": ["integer", "null"]},
            size=COUNT,
            equations=TEXT,
            links=_map(TEXT),
        )
    ),
    readouts=_list(
        _object(name=NAME, variables={"type": "array", "items": TEXT, "minItems": 1}),
    ),
    settling={"type": ["object", "null"]},
)
DECLARED_PROTOCOL = _object(
    blocks=_list(
        _object(
            name=NAME,
            probes=_list(_object(population=NAME, units={"type": ["array", "null"]})),
            optional={"pace": _object(type=TEXT), "controls": OBJECT},
        )
    ),
    optional={"measured": {**_map(OBJECT), "propertyNames": NAME}},
)
MANIFEST = _object(
    status=TEXT,
    inputs=_object(
        model=DECLARED_MODEL, protocol=DECLARED_PROTOCOL, optional={"controls": _map(OBJECT)}
    ),
    inputs_hash=TEXT,
    seed=WHOLE,
    device=TEXT,
    started=TEXT,
    model=_object(
        name=TEXT,
        description=TEXT,
        dt=TEXT,
        populations=_list(NAME),
        parameters=_map(TEXT),
        optional={
            "batch": {"type": "integer", "minimum": 1, "maximum": 2**20},
            "meanings": _map(TEXT),
        },
    ),
    protocol=_object(
        name=TEXT,
        description=TEXT,
        measured_signal=TEXT,
        optional={"options": _map(TEXT), "measured": _map(TEXT)},
    ),
    blocks=_list(_object(name=NAME, tokens=COUNT, start_from=TEXT, probes=_list(NAME))),
    vocabulary=_object(symbols=TEXTS, codes={}, kind=TEXT),
    versions=_map(TEXT),
    command={"type": "array", "items": TEXT, "minItems": 1},
    optional={
        "sessions": COUNT,
        "start": {
            "anyOf": [
                {"type": "null"},
                _object(run=TEXT, block=NAME, optional={"step": COUNT, "experiment": TEXT}),
            ]
        },
        "git": {
            "anyOf": [{"type": "null"}, _object(commit=TEXT, changed={"type": "boolean"})],
        },
        "machine": TEXT,
        "warnings": TEXTS,
        "wall_time_s": NUMBER_OR_NONE,
        "tokens_per_second": NUMBER_OR_NONE,
        "checksums": {
            **_map({"type": "string", "pattern": r"^[0-9a-f]{64}\Z"}),
            "propertyNames": {"pattern": r"^[\w./-]+\Z"},
        },
    },
)

#: Types of numbers that a run's arrays have. Objects and texts of any length are none of them: reading
#: those can run code, or take any codec.
DATA_TYPES = [
    "bool",
    *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
    *("float32", "float64"),
]
#: zarr.json of a group or an array as a run has them: numbers in plain chunks, compressed by zstd.
ARRAYS = {
    "type": "object",
    "required": ["zarr_format", "node_type"],
    "properties": {
        "zarr_format": {"const": 3},
        "node_type": {"enum": ["group", "array"]},
        "attributes": OBJECT,
    },
    "if": {"properties": {"node_type": {"const": "array"}}},
    "then": {
        "required": ["shape", "data_type", "chunk_grid", "chunk_key_encoding", "codecs"],
        "properties": {
            "shape": _list(COUNT),
            "data_type": {"enum": DATA_TYPES},
            "chunk_grid": _object(
                name={"const": "regular"},
                configuration=_object(chunk_shape=_list({**COUNT, "minimum": 1})),
            ),
            "chunk_key_encoding": _object(name={"const": "default"}),
            "codecs": _list(_object(name={"enum": ["bytes", "zstd"]})),
            "storage_transformers": {"type": "array", "maxItems": 0},
        },
    },
}


@cache
def check(name: str) -> Callable[[object], object]:
    """A function that raises fastjsonschema.JsonSchemaValueException, with a `message` that names the
    entry, unless what it takes fits the schema "MANIFEST" or "ARRAYS".
    """
    import fastjsonschema

    return fastjsonschema.compile(globals()[name], use_default=False)
