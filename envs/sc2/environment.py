"""E games of StarCraft II in lock-step behind ``envs.protocol.BatchedEnv``."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from envs.batch import FLAGS, BatchBase
from envs.battle.scenarios import Scenario
from envs.battle.smacv2.sizes import env_spec
from envs.sc2 import installation
from envs.sc2.options import Sc2Options, map_file, package_arguments
from envs.sc2.process import FAREWELL, GameFailure, WorkerProcess, allocate, shared_layout
from envs.sc2.worker import Setup

SEE_DOCTOR = ". What is missing or broken, step by step: python -m harness.doctor"
LONGEST_BACKOFF = 60.0
"""Seconds between two starts of a game that keeps failing."""


class GameError(RuntimeError):
    """Games keep failing, so that it makes no sense to go on; the text says what to check."""


class Sc2Env(BatchBase):
    """A batch of games; see ``envs.protocol.BatchedEnv`` for every array.

    A game that crashes, ends or hangs makes its battle an aborted one; it is started again, with growing pauses, and
    the slot goes on with its next battle. Games start with the first ``reset``.

    Args:
        id: name of the scenario.
        scenario: who fights whom.
        num_envs: E, games side by side.
        seed: of every draw that the package makes: battle b of a slot has the same teams, places and capabilities
            whatever else runs. What the game draws itself depends on how long it has been running. None draws one.
        first_slot: number of the first slot, as in ``envs.make``.
        options: switches of the battle.

    Raises:
        ValueError: the package cannot play this, or something that it needs is not installed.
    """

    max_reward: NDArray[np.float64]
    """(E,): the return of a flawless battle before scaling; 0 until the slot's first battle sets it."""

    def __init__(
        self, *, id: str, scenario: Scenario, num_envs: int, seed: int | None, first_slot: int, options: Sc2Options
    ) -> None:
        self._arguments = package_arguments(id, scenario, options)
        self._game_version = installation.require(map_file(self._arguments["map_name"]), options.game_version)
        spec = env_spec(id, scenario, options)
        self._layout = shared_layout(spec, num_envs)
        self._memory, arrays = allocate(self._layout)
        super().__init__(spec, num_envs, seed, first_slot, arrays)
        self.options = options
        self._folder = Path(tempfile.mkdtemp(prefix="sc2-"))
        self._workers: dict[int, WorkerProcess] = {}
        self._failures = np.zeros(num_envs, np.int64)
        self._started = False
        self._release = weakref.finalize(self, _release, os.getpid(), self._workers, self._memory, self._folder)

    def reset(self, seed: int | None = None) -> None:
        """Start a battle in every slot: battle 0 of ``seed`` if one is given, else the slot's next.

        Raises:
            ValueError: the batch is closed.
            GameError: games keep failing.
        """
        self._check_open(self._release.alive)
        self._begin_reset(seed)
        if seed is not None:
            self.max_reward[:] = 0
        self._started = False
        self._begin(range(self.num_envs))
        self._started = True

    def step(self, actions: NDArray[np.integer[Any]]) -> None:
        """Advance every battle by one env_step.

        Args:
            actions: (E, N) integers. With ``heuristic_ai`` any will do; an array is overwritten with what was done.

        Raises:
            ValueError: wrong shape or type, no battle started, or an action that is illegal now.
            GameError: games keep failing.
        """
        any_will_do = self.options.heuristic_ai or self.options.illegal_actions == "noop"
        mask = np.ones_like(self.action_mask) if any_will_do else self.action_mask
        self._arrays["actions"][:] = self._check_legal(actions, mask, started=self._started)
        self._started = False  # after an interrupt battles stand differently: they begin again
        for name in FLAGS:
            self._arrays[name][:] = 0
        _, failed = self._ask(range(self.num_envs), "step", {}, self.options.step_timeout)
        for e, failure in failed.items():
            self._abort(e, failure)
        if self.options.heuristic_ai and isinstance(actions, np.ndarray) and actions.flags.writeable:
            actions[...] = self._arrays["actions"]
        self._failures[self.terminated | self.truncated] = 0
        self._begin(np.flatnonzero(self.terminated | self.truncated | self.aborted).tolist())
        self._started = True

    def _abort(self, e: int, failure: GameFailure) -> None:
        """Mark the running battle as aborted; its last view is the one before this step."""
        self._fail(e, failure)
        for name in FLAGS:
            self._arrays[name][e] = 0
        self.aborted[e] = True
        self.dead_allies[e] = self.action_mask[e, :, 0].sum()
        self._keep_last_view(e)

    def _begin(self, slots: Iterable[int]) -> None:
        """The next battle in each of these slots, in new games where there are none."""
        waiting = list(slots)
        self.battle_id[waiting] += 1
        while waiting:
            missing = [e for e in waiting if e not in self._workers]
            self._start(missing)
            running = [e for e in waiting if e in self._workers]
            arguments = {e: (self.seed, self._first_slot + e, int(self.battle_id[e])) for e in running}
            timeout = self.options.start_timeout if missing else self.options.step_timeout
            begun, failed = self._ask(running, "begin", arguments, timeout)
            for e, failure in failed.items():
                self._fail(e, failure)
            waiting = [e for e in waiting if e not in begun]
        try:
            self.options.check_scale(self.spec.id, float(self.max_reward.min()))
        except ValueError:
            self.close()
            raise

    def _start(self, slots: list[int]) -> None:
        """Workers for these slots, the package built in each, no game running yet."""
        if not slots:
            return
        worst = int(self._failures[slots].max())
        if worst:
            time.sleep(min(self.options.backoff * 2.0 ** (worst - 1), LONGEST_BACKOFF))
        for e in slots:
            self._workers[e] = WorkerProcess(self._folder / f"slot{e}-{secrets.token_hex(4)}", (self._memory,))
        arguments = {e: (self.setup(e),) for e in slots}
        sizes, failed = self._ask(slots, "start", arguments, self.options.start_timeout)
        for e, failure in failed.items():
            if failure.reported:  # the package cannot be imported or built, which no second try would change
                self._give_up(f"the package smacv2 cannot be started: {failure}")
            self._fail(e, failure)
        for size in sizes.values():
            self._check_sizes(size)

    def setup(self, e: int) -> Setup:
        """Return the settings of a slot's worker."""
        game_seed = SeedSequence([self.seed, self._first_slot + e, int(self.battle_id[e])])
        return Setup(
            row=e,
            memory=self._memory,
            layout=self._layout,
            arguments=self._arguments,
            game_seed=int(game_seed.generate_state(1, np.uint32)[0]),
            game_version=self._game_version,
            spec=self.spec,
            options=self.options,
        )

    def _check_sizes(self, found: dict[str, int]) -> None:
        """Hold what the package says of itself against the spec, which is the built-in engine's too."""
        wrong = [
            f"{name} is {number} there and {getattr(self.spec, name)} here"
            for name, number in found.items()
            if number != getattr(self.spec, name)
        ]
        if wrong:
            self.close()
            raise ValueError(
                f"scenario {self.spec.id!r} looks otherwise in smacv2: {'; '.join(wrong)}. Its map "
                f"{self._arguments['map_name']} has features for every unit type of its race: a scenario with fewer "
                'unit_types needs type_bits=3; or play it with backend="battle"'
            )

    def _ask(
        self, slots: Iterable[int], command: str, arguments: dict[int, tuple[Any, ...]], timeout: float
    ) -> tuple[dict[int, Any], dict[int, GameFailure]]:
        """Command workers all at once and wait for all; returns the answers and the failures, by slot."""
        until = time.monotonic() + timeout
        answers: dict[int, Any] = {}
        failed: dict[int, GameFailure] = {}
        for e in slots:
            try:
                self._workers[e].send(command, *arguments.get(e, ()))
            except GameFailure as failure:
                failed[e] = failure
        for e in slots:
            try:
                if e not in failed:
                    answers[e] = self._workers[e].receive(until)
            except GameFailure as failure:
                failed[e] = failure
        return answers, failed

    def _fail(self, e: int, failure: GameFailure) -> None:
        """End a slot's game; too many failures in a row end everything."""
        self._workers.pop(e).kill()
        self._failures[e] += 1
        if self._failures[e] >= self.options.max_failures:
            times = f"{self._failures[e]} times in a row, the last time" if self._failures[e] > 1 else "once"
            self._give_up(f"the game of slot {e} failed {times}: {failure}")

    def _give_up(self, what: str) -> NoReturn:
        self.close()
        raise GameError(f"{self.spec.id}: {what}{SEE_DOCTOR}")

    def game(self) -> dict[str, Any]:
        """Version, build and process number of the first slot's game, for ``harness.doctor``."""
        answers, failed = self._ask([0], "game", {}, self.options.step_timeout)
        for failure in failed.values():
            self._give_up(f"the game does not answer: {failure}")
        return answers[0]

    def state_dict(self) -> dict[str, Any]:
        """Seeds and the numbers of the battles. A game cannot be saved: battles under way are not part of it."""
        return {
            "id": self.spec.id,
            "seed": self.seed,
            "first_slot": self._first_slot,
            "battle_id": self.battle_id.copy(),
            "max_reward": self.max_reward.copy(),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on after what ``state_dict`` gave: each slot begins the battle after the one that was under way.

        That battle is lost, and ``battle_id`` says so.

        Raises:
            ValueError: saved from another scenario or another number of battles.
            GameError: games keep failing.
        """
        self._check_saved(saved["id"], len(saved["battle_id"]))
        self.seed = saved["seed"]
        self._first_slot = saved["first_slot"]
        self.battle_id[:], self.max_reward[:] = saved["battle_id"], saved["max_reward"]
        self.reset()

    def close(self) -> None:
        """End all games; calling it twice is allowed."""
        self._started = False
        self._release()


def _release(owner: int, workers: dict[int, WorkerProcess], memory: int, folder: Path) -> None:
    """End all games, unless this is a forked copy of the process that they belong to."""
    if os.getpid() != owner:
        return
    for worker in workers.values():
        worker.dismiss()
    until = time.monotonic() + FAREWELL
    while workers:
        workers.popitem()[1].close(until)
    os.close(memory)
    shutil.rmtree(folder, ignore_errors=True)
