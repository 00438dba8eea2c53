"""What users of PyMARL, Kaleidoscope and K24 know: settings files as these write them, and the names in their code.

The files are read into the config dataclasses of this project. Such a file names a learner, which decides the
algorithm, and mixes three kinds of keys: settings of the algorithm, settings of PyMARL's runner, and choices that are
fixed here. The first are taken, the second are listed as left out with what says the same here, the third must be what
is built. Anything else is refused.

PyMARL knows those that are registered with ``PyMARLNames``; for any other, and in the files that are written here,
``algorithm: NAME`` takes the place of the learner.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from algorithms import registry
from common.registry import did_you_mean, load
from common.values import MismatchError, read_value

FOLDER = Path(__file__).parent
"""Where the files lie that come with the package."""
MAX_DEPTH, MAX_VALUES = 8, 10_000
"""How deep the lists and tables of a settings file may be nested, and how many values they may stand for."""

FIXED: dict[str, Any] = {
    "action_selector": "epsilon_greedy",
    "optimizer": "adam",
    "agent_output_type": "q",
    "q_lambda": False,
    "double_q": True,
    "standardise_rewards": False,
}
"""Choices of which only one is built."""
RENAMED = {"batch_size_run": "episodes_per_update"}
"""PyMARL's name -> the field here: it updates once after each round of its parallel runner."""
SWITCHES: dict[str, tuple[str, ...]] = {
    "use_layer_norm": (),
    "use_orthogonal": ("gain",),
    "use_per": ("per_alpha", "per_beta", "return_priority"),
}
"""Options of PyMARL2 that are not built, so they must be off; and keys that mean something only where they are on."""
SAID_BY = {
    "t_max": "--env-steps or --budget",
    "test_interval": "--budget",
    "test_nepisode": "--budget",
    "env": "--scenarios",
    "env_args": "--scenarios and --set env.KEY=VALUE",
    "seed": "--seeds",
    "use_cuda": "--device",
    "n_unit_types": "the scenario",
    "name": "--study",
    "local_results_path": "--out",
}
"""Keys that something else decides here."""
RUNNER = (
    *("runner", "run", "label", "repeat_id", "exp_name", "run_name", "evaluate", "test_greedy", "buffer_cpu_only"),
    *("log_interval", "runner_log_interval", "learner_log_interval", "use_tensorboard", "use_wandb", "project"),
    *("entity", "group", "save_model", "save_model_interval", "checkpoint_path", "load_step", "save_replay"),
    *("critic_lr", "optim_alpha", "optim_eps"),
)
"""Keys of PyMARL's runner and of its other learners, without meaning here."""


@dataclass(frozen=True, kw_only=True)
class SettingsFile:
    """What a file says."""

    name: str
    """as the caller gave it"""
    algorithm: str
    """registered id"""
    values: dict[str, Any]
    """fields of that algorithm's config"""
    left_out: tuple[str, ...]
    """one line for each key without meaning here"""


def shipped() -> list[str]:
    """Return the names of the files that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_settings(name: str) -> SettingsFile:
    """Read a settings file.

    Args:
        name: a path, or the name of a file that comes with the package, with or without ``.yaml``.

    Raises:
        ValueError: there is no such file, it is no YAML table, its learner is unknown, a key is unknown, or a value
            asks for something that is not built; the message names the key and what is allowed.
    """
    content = _read(name)
    algorithm = _algorithm(name, content)
    kinds = get_type_hints(registry.config_class(algorithm))
    nested = {key: content.pop(key) for key in _blocks() if key in content}
    values, left_out = _sort_out(name, content, algorithm, kinds)
    for key, block in nested.items():
        if _blocks()[key] != algorithm:
            raise ValueError(f"{name}: {key} belongs to {_blocks()[key]}, and learner or algorithm says {algorithm}")
        if not isinstance(block, dict):
            raise ValueError(f"{name}: {key} is {block!r}, it must be a table of settings of {algorithm}")
        for inner in block:
            _require_known(f"{name}: {key}", inner, kinds)
        values |= block
    typed = {field: _typed(f"{name}: {field}", value, kinds[field]) for field, value in values.items()}
    return SettingsFile(name=name, algorithm=algorithm, values=typed, left_out=tuple(left_out))


def dump_settings(algorithm: str, config: Any, comment: str = "") -> str:
    """Return the text of a file that ``load_settings`` reads back into an equal config.

    Args:
        algorithm: registered id.
        config: an instance of its config dataclass; every field is written, so that later defaults change nothing.
        comment: lines to stand above.
    """
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(config).items()}
    above = "".join(f"# {line}\n" for line in comment.splitlines())
    return above + yaml.safe_dump({"algorithm": algorithm, **plain}, sort_keys=False)


def known_names() -> dict[str, str]:
    """Return known name -> ``module:attribute``, of all registered algorithms."""
    return {name: location for names in _known_to_pymarl().values() for name, location in names.parts.items()}


def resolve(name: str) -> Any:
    """Import what a known name stands for.

    Raises:
        ValueError: the name is unknown; near matches are named.
    """
    known = known_names()
    if name not in known:
        hint = did_you_mean(name, known) or f"known are {', '.join(sorted(known))}"
        raise ValueError(f"unknown name {name!r}; {hint.strip()}")
    return load(known[name])


def _algorithm(name: str, content: dict[str, Any]) -> str:
    """The registered id, its keys taken out of the table."""
    if "algorithm" in content:
        try:
            return registry.entry(str(content.pop("algorithm"))).id
        except registry.UnknownAlgorithmError as error:
            raise ValueError(f"{name}: {error}") from error
    learner, mixer = content.pop("learner", None), content.pop("mixer", "qmix")
    for key, value in (("learner", learner), ("mixer", mixer)):
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{name}: {key} is {value!r}, it must be a name such as nq_learner")
    rows = _known_to_pymarl()
    fitting = {id: names for id, names in rows.items() if (names.learner, names.mixer) == (learner, mixer)}
    if not fitting:
        known = ", ".join(dict.fromkeys(f"{names.learner} with mixer {names.mixer}" for names in rows.values()))
        raise ValueError(f"{name}: learner {learner!r} with mixer {mixer!r} is not built here; built are {known}")
    agent = content.pop("agent", None)
    for id, names in fitting.items():
        if agent is None or agent in names.agent:
            return id
    built = " or ".join(repr(each) for names in fitting.values() for each in names.agent)
    raise ValueError(f"{name}: agent is {agent!r}, only {built} is built for {next(iter(fitting))}")


def _known_to_pymarl() -> dict[str, registry.PyMARLNames]:
    """Registered id -> its names, for the algorithms that PyMARL's files can name."""
    return {id: names for id in registry.ids() if (names := registry.entry(id).pymarl)}


def _blocks() -> dict[str, str]:
    """Name of a nested block of settings -> the algorithm that it belongs to."""
    return {names.block: id for id, names in _known_to_pymarl().items() if names.block}


def _sort_out(
    name: str, content: dict[str, Any], algorithm: str, fields: Iterable[str]
) -> tuple[dict[str, Any], list[str]]:
    """The outer keys: field -> value of those that are taken, and a line for each that is left out."""
    values: dict[str, Any] = {}
    left_out = []
    names = registry.entry(algorithm).pymarl
    fixed = {**FIXED, **dict.fromkeys(SWITCHES, False), **({"mac": names.mac[0]} if names else {})}
    taken = {**{field: field for field in fields}, **RENAMED}
    idle = {key: f"{switch} is off" for switch, keys in SWITCHES.items() for key in keys}
    idle |= dict.fromkeys(names.unused if names else (), f"{algorithm} has no such part")
    for key, value in content.items():
        _require_known(name, key, [*taken, *_blocks(), *fixed, *idle, *SAID_BY, *RUNNER])
        if key in taken:
            values[taken[key]] = value
        elif key in SAID_BY:
            left_out.append(f"{key}: {SAID_BY[key]} decides it here")
        elif key in idle:
            left_out.append(f"{key}: has no meaning, since {idle[key]}")
        elif key in RUNNER:
            left_out.append(f"{key}: has no meaning here")
        elif value != fixed[key]:
            raise ValueError(f"{name}: {key} is {value!r}, only {fixed[key]!r} is built for {algorithm}")
    return values, left_out


def _read(name: str) -> dict[str, Any]:
    """The file's table."""
    path = Path(name)
    try:
        is_there = path.is_file()
    except (OSError, ValueError):  # longer than any file's name, or with a zero byte
        raise ValueError(f"{name[:80]!r}… cannot be the name of a settings file; give a path") from None
    if not is_there and path.name == name:
        path = FOLDER / f"{path.name.removesuffix('.yaml')}.yaml"
    if not path.is_file():
        raise ValueError(f"there is no settings file {name}; give a path, or one of these: {', '.join(shipped())}")
    try:
        text = path.read_text(encoding="utf-8")
        _refuse_endless(name, text)
        content = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{name} cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{name} holds no table of settings; its lines read KEY: VALUE, e.g. learner: k24_nq_learner")
    return content


def _refuse_endless(name: str, text: str) -> None:
    """Refuse lists in lists without end, and aliases that stand for more values than a settings file could hold."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ValueError(
                f"{name} holds lists more than {MAX_DEPTH} deep; settings are lines KEY: VALUE, a value is a number, a "
                "word or a list of these"
            )
    if _size(yaml.compose(text, Loader=yaml.SafeLoader), {}) > MAX_VALUES:
        raise ValueError(
            f"{name} stands for more than {MAX_VALUES:,} values by its aliases (*); write out what is meant"
        )


def _size(node: Any, known: dict[int, float]) -> float:
    """How many values a YAML node stands for, aliases followed; infinite where one holds itself."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in known:
        known[id(node)] = float("inf")  # until it is counted, only what lies in it can meet it
        parts = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]


def _require_known(where: str, key: str, known: Iterable[str]) -> None:
    names = sorted(known)
    if key not in names:
        hint = did_you_mean(key, names).strip() or f"known are {', '.join(names)}"
        raise ValueError(f"{where}: unknown key {key!r}; {hint}")


def _typed(where: str, value: Any, kind: Any) -> Any:
    """A YAML value as its field holds it; YAML reads ``1e-3`` as text, so text that is a number counts as one."""
    try:
        return read_value(value, kind, text=True)
    except MismatchError as error:
        raise ValueError(f"{where} is {value!r}, {error}") from None
