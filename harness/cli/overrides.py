"""Settings from the command line: ``--set k24.div_coef=0.2``, read by its field's type, ``--config``, ``--preset``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

import algorithms.registry
import envs.registry
from algorithms.settings.pymarl import SettingsFile, load_settings
from common.values import MismatchError, read_value
from harness.cli.errors import UsageError, unknown_name

_EXAMPLES = {int: "200", float: "0.2", bool: "true"}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One ``--set`` as typed."""

    target: str
    """An algorithm's name, or ``env``."""
    key: str
    """The field of its config, or the option of the world."""
    text: str
    """The value, not yet read."""


def parse_setting(argument: str) -> Setting:
    """Take ``target.key=value`` apart.

    Raises:
        UsageError: the argument has another form.
    """
    name, equals, text = argument.partition("=")
    target, dot, key = name.strip().partition(".")
    if not (equals and dot and target and key):
        raise UsageError(
            f"--set {argument!r} is not of the form TARGET.KEY=VALUE; for example: "
            "--set k24.div_coef=0.2, --set env.prob_obs_enemy=0.0"
        )
    return Setting(target=target, key=key, text=text.strip())


def check_targets(settings: Iterable[Setting], algos: Sequence[str]) -> None:
    """Refuse settings for an algorithm that does not exist or does not take part.

    Raises:
        UsageError: which target is wrong and which would work.
    """
    for setting in settings:
        if setting.target in {"env", *algos}:
            continue
        if setting.target in algorithms.registry.ids():
            raise UsageError(
                f"--set {setting.target}.{setting.key}: {setting.target} is not part of this comparison; add it: "
                f"--algos {','.join([*algos, setting.target])}"
            )
        raise unknown_name("target of --set", setting.target, [*algos, "env"])


def read_files(names: Sequence[str], algos: Sequence[str]) -> tuple[SettingsFile, ...]:
    """Every ``--config``.

    Raises:
        UsageError: a file cannot be used, belongs to an algorithm that takes no part, or two belong to the same one.
    """
    files: dict[str, SettingsFile] = {}
    for name in names:
        try:
            file = load_settings(name)
        except OSError as error:
            raise UsageError(f"--config {str(error.filename)[:80]} cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise UsageError(f"--config {error}") from error
        targets = [name for name in algorithms.registry.takers_of_files(file.algorithm) if name in algos]
        if not targets:
            wanted = ",".join([*algos, file.algorithm])
            raise UsageError(f"--config {name} is for {file.algorithm}, which takes no part; add it: --algos {wanted}")
        for target in targets:
            if target in files:
                earlier = files[target].name
                raise UsageError(f"--config {earlier} and --config {name} are both for {target}; give one of them")
            files[target] = dataclasses.replace(file, algorithm=target)
    return tuple(files.values())


def check_preset(name: str | None, algos: Sequence[str]) -> None:
    """Refuse a preset that is unknown or that no chosen algorithm has.

    Raises:
        UsageError: which presets there are, or which algorithms follow one.
    """
    if name is None:
        return
    if name not in algorithms.registry.preset_names():
        raise unknown_name("preset", name, algorithms.registry.preset_names())
    rows = map(algorithms.registry.entry, algorithms.registry.ids())
    able = [row.id for row in rows if name in row.presets]
    if not set(able) & set(algos):
        raise UsageError(
            f"--preset {name} is for {', '.join(able)}; none of them takes part; add one: --algos {able[0]}"
        )


def resolve_config(
    name: str, config_class: type, settings: Iterable[Setting], overrides: Mapping[str, Mapping[str, Any]]
) -> tuple[Any, list[str]]:
    """The algorithm's config with all overrides and then the user's settings applied.

    Args:
        name: the algorithm, for messages.
        config_class: its frozen dataclass.
        settings: every ``--set``; those for other targets are passed over.
        overrides: who says so (``by the budget``) -> field -> value, later ones over earlier ones; keys that the
            dataclass lacks are passed over.

    Returns:
        The config, and a line for each ``--set`` and each other value that differs from the default in code.

    Raises:
        UsageError: an unknown key, a value of the wrong type, or values that the dataclass refuses together.
    """
    hints = get_type_hints(config_class)
    fields = {entry.name: hints[entry.name] for entry in dataclasses.fields(config_class)}
    values: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for reason, given in overrides.items():
        known = {key: value for key, value in given.items() if key in fields}
        values |= known
        reasons |= dict.fromkeys(known, reason)
    for setting in settings:
        if setting.target != name:
            continue
        if setting.key not in fields:
            raise unknown_name(f"setting of {name}", setting.key, fields)
        values[setting.key] = parse_value(setting.text, fields[setting.key], where=f"{name}.{setting.key}")
        reasons[setting.key] = "by --set"
    try:
        config = config_class(**values)
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from error
    defaults = {entry.name: entry.default for entry in dataclasses.fields(config_class)}
    stated = [key for key, value in values.items() if reasons[key] == "by --set" or value != defaults[key]]
    return config, [f"{name}.{key} = {values[key]} ({reasons[key]})" for key in stated]


def resolve_env(scenario: str, settings: Iterable[Setting], backend: str = "battle") -> tuple[Any, list[str]]:
    """The options of a scenario's world: its own defaults, then every ``--set env.KEY``.

    Raises:
        UsageError: as ``resolve_config`` does, the backend does not play it, something that the world needs is not
            installed, or the scenario was registered with defaults that its world refuses.
    """
    try:
        world = envs.registry.options_class(scenario, backend)
        envs.registry.make_options(scenario, {}, backend)  # its own defaults are names that its world knows
        defaults = envs.registry.entry(scenario).defaults
        options, lines = resolve_config("env", world, settings, {f"by {scenario}": defaults})
        envs.registry.require_installed(scenario, backend, options)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return options, lines


def parse_value(text: str, kind: Any, *, where: str) -> Any:
    """Read one value as ``kind``, the type of its field; ``where`` is the setting's full name, for the message.

    Raises:
        UsageError: the text does not fit; the message says what does and gives an example.
    """
    try:
        return read_value(text, kind, text=True)
    except TypeError:
        raise UsageError(f"{where}: a value of type {kind} cannot be given on the command line") from None
    except MismatchError as error:
        example = f", for example {where}={_EXAMPLES[kind]}" if kind in _EXAMPLES else ""
        raise UsageError(f"{where} is {text!r}, {error}{example}") from None
