"""What agents' actions order their units to do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from envs.battle.unit_types import ASSUMED, DEFAULT_SHOOT_RANGE, Assumed
from tests.oracle.plain.geometry import Point
from tests.oracle.plain.unit import Order, Unit

if TYPE_CHECKING:
    from tests.oracle.plain.battle import Battle

NO_OP, STOP = 0, 1
WAYS = {2: Point(0.0, 1.0), 3: Point(0.0, -1.0), 4: Point(1.0, 0.0), 5: Point(-1.0, 0.0)}  # north, south, east, west
FIRST_LOOK = 6
LEAST = 1e-7  # smacv2's guard against vertical directions


class Commander:
    """Turns one agent's legal actions into orders, and remembers where it looks."""

    def __init__(self, battle: Battle, unit: Unit) -> None:
        self.battle, self.unit, self.options = battle, unit, battle.options
        self.heals = battle.scenario.has_healers and unit.kind.healing is not None
        self.look = Point(1.0, 0.0)
        self.last_action = -1

    def take(self, action: int) -> None:
        self.last_action = action
        first_target = FIRST_LOOK + self.options.n_fov_actions
        if action == STOP:
            self.unit.break_off()
            self.unit.order = Order.NONE
        elif action in WAYS:
            self.unit.break_off()
            self.unit.order, self.unit.target = Order.MOVE, None
            self.unit.destination = self.unit.place + WAYS[action] * self.options.move_amount
        elif FIRST_LOOK <= action < first_target:
            angle = 2.0 * math.pi * ((action - FIRST_LOOK) / self.options.num_fov_actions)
            self.look = Point(math.cos(angle), math.sin(angle))
        elif action != NO_OP:
            targets = self.battle.agents if self.heals else self.battle.enemies
            self.aim(targets[action - first_target])

    def aim(self, target: Unit) -> None:
        """Attack or heal; what the benchmark does not send or the game refuses changes nothing."""
        unit = self.unit
        if self.options.rules == "2024" and not self.in_shooting_range(target):
            return
        if self.heals:
            if target.kind.biological and target.hurt:
                unit.take_order(Order.HEAL, target)
        elif unit.kind.can_attack(target.kind):
            again = (unit.order, unit.target) == (Order.ATTACK, target)
            breaks = {"goes_on": False, "restarts": unit.swing > 0, "breaks_off": True}
            if again and breaks[self.options.same_attack]:
                unit.break_off()
            unit.take_order(Order.ATTACK, target)

    def in_shooting_range(self, target: Unit) -> bool:
        """As smacv2 sees it: between centres, by its own table, in the cone if there is one."""
        reach = float(DEFAULT_SHOOT_RANGE)
        if self.options.use_unit_ranges:
            reach = max(ASSUMED.get(self.unit.kind.name, Assumed()).shoot_range, self.options.min_attack_range)
        near = self.unit.distance2(target) <= reach * reach
        return near and (not self.options.conic_fov or self.in_cone(target))

    def in_cone(self, target: Unit) -> bool:
        """Slopes are compared, so what lies straight behind counts as straight ahead, as in smacv2."""
        gap = target.place - self.unit.place
        sign = 1.0 if gap.x > 0 else -1.0
        run, look_run = (sign * max(sign * length, LEAST) for length in (gap.x, self.look.x))
        turned = math.atan(gap.y / run) - math.atan(self.look.y / look_run)
        return abs(turned) < math.pi / self.options.num_fov_actions
