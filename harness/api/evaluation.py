"""``evaluate``: how often a policy wins."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import envs
from common.values import checked
from harness.api.policy import TrainedPolicy, check_fits
from harness.cli.common import at_least
from harness.cli.errors import UsageError
from harness.policies import scripted
from harness.policies.evaluate import Battle, Evaluation, play
from harness.results.records import Records
from harness.runs.seeding import derive_seed
from harness.stats.interval import format_interval

SLOTS = 32
"""Most battles that are played side by side."""
GAMES = 4
"""The same in StarCraft II, where each is a game of a few gigabytes."""
MAX_BATTLES = 10_000_000
"""Most battles of one call; no interval needs so many."""


@dataclass(frozen=True, kw_only=True)
class PolicyEvaluation(Evaluation):
    """The battles of one policy on one scenario."""

    policy: str
    scenario: str
    can_be_won: bool

    @property
    def battles(self) -> int:
        """Finished ones; aborted battles count neither as finished nor as won."""
        return len(self.finished)

    def records(self) -> Records:
        """A record for each battle."""
        return Records(dataclasses.asdict(outcome) for outcome in self.outcomes)

    def __str__(self) -> str:
        numbers = f"return {self.mean_return:.2f} over {self.battles} battles"
        if self.can_be_won:
            rate = self.win_rate
            numbers = f"win rate {format_interval(rate.estimate, rate.low, rate.high)}, {numbers}"
        return f"{self.policy} on {self.scenario}: {numbers}"


@checked(UsageError)
def evaluate(
    policy: TrainedPolicy | str,
    scenario: str | None = None,
    *,
    battles: int = 200,
    seed: int = 0,
    **env_options: Any,
) -> PolicyEvaluation:
    """Play greedy battles; every slot plays the same number, so that short ones are not preferred.

    A trained policy has forgotten everything afterwards, as after ``reset``.

    Args:
        policy: a trained one, or the name of one that does not learn: ``random``, ``nearest``, ``nearest-free``.
        scenario: where; ``None``: where the policy was trained. Another map is possible where the number of agents,
            the actions and the observations have the same sizes.
        battles: how many; rounded up to a multiple of the slots played side by side.
        seed: which battles; equal seeds give every policy the same ones.
        env_options: options of the world; for the policy's own scenario those of its training are the defaults.

    Raises:
        UsageError: an unknown name, or a world in which the policy cannot act; the message says what differs.
    """
    if not 1 <= battles <= MAX_BATTLES:
        raise UsageError(f"battles is {battles}, it must be 1 to {MAX_BATTLES:,}")
    at_least(0, "seed", seed)
    if "num_envs" in env_options:
        raise UsageError(f"evaluate takes no num_envs; up to {SLOTS} battles are played side by side")
    if scenario is not None:
        scenario = envs.registry.canonical_id(scenario) or scenario  # an alias is the same map, with the same battles
    actor, scenario, options = _actor(policy, scenario, seed, env_options)
    slots = min(GAMES if options.get("backend") == "sc2" else SLOTS, battles)
    with closing(_make(scenario, slots, options)) as env:
        if isinstance(policy, TrainedPolicy):
            check_fits(policy, env.spec)
        played: list[Battle] = play(
            actor, env, episodes=-(-battles // slots) * slots, seed=derive_seed(seed, "evaluation", scenario, "api")
        )
        can_be_won = env.spec.can_be_won
    if isinstance(policy, TrainedPolicy):
        policy.reset()  # these battles are over
    return PolicyEvaluation(
        policy=policy if isinstance(policy, str) else policy.algorithm,
        scenario=scenario,
        outcomes=tuple(battle.outcome for battle in played),
        can_be_won=can_be_won,
    )


def _actor(
    policy: TrainedPolicy | str, scenario: str | None, seed: int, env_options: dict[str, Any]
) -> tuple[scripted.Policy, str, dict[str, Any]]:
    """Return what acts, where, and all options of that world."""
    if isinstance(policy, str):
        if scenario is None:
            raise UsageError(
                f"evaluate({policy!r}): name a scenario, for example evaluate({policy!r}, 'terran_5_vs_5')"
            )
        scripted.check_plays(policy, scenario, env_options.get("backend", "battle"))
        return scripted.make(policy, seed), scenario, {**env_options, **scripted.entry(policy).env_options}
    if env_options.get("heuristic_ai"):
        raise UsageError(
            "heuristic_ai=True lets the world act in the policy's place; evaluate('nearest-free', SCENARIO) does"
        )
    own = {"backend": policy.backend, **policy.env_options} if scenario in (None, policy.scenario) else {}
    policy.reset()
    return policy, scenario or policy.scenario, {**own, **env_options}


def _make(scenario: str, slots: int, options: dict[str, Any]) -> Any:
    try:
        return envs.make(scenario, num_envs=slots, **options)
    except ValueError as error:
        raise UsageError(str(error)) from error
