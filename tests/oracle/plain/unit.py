"""One unit: what it is, where it stands, its order, and what it has under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from tests.oracle.plain.geometry import NOWHERE, Point
from tests.oracle.plain.kinds import Kind, Weapon

LONG_AGO = -1_000_000


class Order(IntEnum):
    """ACQUIRED is an attack of the unit's own choice, ATTACK an ordered one; MARCH is an attack-move."""

    NONE = 0
    MOVE = 1
    ATTACK = 2
    ACQUIRED = 3
    HEAL = 4
    MARCH = 5


@dataclass
class Missile:
    """On its way, whatever becomes of the shooter."""

    target: Unit
    weapon: Weapon
    place: Point


@dataclass
class Sweep:
    """Two lances that cross the line to the main target in opposite directions."""

    main: Unit
    weapon: Weapon
    along: Point
    """Unit vector of the first lance's way."""
    age: int = 0
    touched: tuple[set[Unit], set[Unit]] = field(default_factory=lambda: (set(), set()))
    due: tuple[list[tuple[int, Unit]], list[tuple[int, Unit]]] = field(default_factory=lambda: ([], []))
    """By lance: (age at which it hurts, who)."""


@dataclass(eq=False)
class Unit:
    """Times in ticks, lengths in cells."""

    number: int
    is_agent: bool
    kind: Kind
    place: Point
    facing: Point = NOWHERE
    hp: float = 0.0
    shield: float = 0.0
    energy: float = 0.0
    alive: bool = True
    fell: Point = NOWHERE
    """Where it died; ``place`` of the dead is where it was last seen."""
    turning: int = 0
    """Ticks until the weapon bears."""
    velocity: float = 0.0
    calm: int = 0
    """Ticks since the last damage."""

    order: Order = Order.NONE
    target: Unit | None = None
    """Of the order, or of the last one that had a target."""
    destination: Point = NOWHERE
    marches: bool = False
    """It was sent somewhere, and goes on when there is nothing to attack."""
    anchor: Point = NOWHERE
    """Where it stood when it acquired."""
    last_call: int = LONG_AGO

    cooldown: float = 0.0
    weapon: Weapon | None = None
    """In use since the last swing began."""
    swing: float = 0.0
    """Ticks until the damage point, 0 without a swing."""
    burst: float = 0.0
    """Ticks until the second hit, 0 if none is to come."""
    missile: Missile | None = None
    sweep: Sweep | None = None
    channel: bool = False
    """A colossus that stands and sweeps, a medivac whose healing has begun."""

    turns_to: int = 0
    """Side on which it walks round what stands in its way: 1 left, -1 right, 0 nothing does."""
    wish: Point | None = None
    """This tick's wished-for displacement."""
    stuck: bool = False
    """In the last tick it wished for a step and made little of it."""
    healed: float = 0.0
    """Life that lands at the end of this tick."""

    def __post_init__(self) -> None:
        self.hp, self.shield, self.energy = float(self.kind.hp), float(self.kind.shield), float(self.kind.energy)

    def distance2(self, other: Unit) -> float:
        """Squared distance of the centres, exact because places lie on the grid."""
        return (other.place - self.place).square

    def within(self, other: Unit, length: float) -> bool:
        """Whether the two edges are at most so far apart."""
        reach = length + self.kind.radius + other.kind.radius
        return self.distance2(other) <= reach * reach

    @property
    def health(self) -> float:
        return self.hp + self.shield

    @property
    def hurt(self) -> bool:
        return self.hp < self.kind.hp

    @property
    def free(self) -> bool:
        """Whether it may choose for itself: idle, or on an attack-move."""
        return self.order in (Order.NONE, Order.MARCH)

    def break_off(self) -> None:
        """What a new order interrupts. An attack before its damage point costs no cooldown."""
        if self.swing:
            self.swing = self.cooldown = 0.0
        self.burst = 0.0
        self.channel = False

    def take_order(self, order: Order, target: Unit | None = None) -> None:
        """Take an order; the very same order again interrupts nothing."""
        if (self.order, self.target) != (order, target):
            self.break_off()
            self.order, self.target = order, target

    def acquire(self, target: Unit) -> None:
        """An attack of its own choice, on a leash that hangs here."""
        self.take_order(Order.ACQUIRED, target)
        self.anchor = self.place

    def idle(self) -> None:
        """Drop the order, and remember its target."""
        self.take_order(Order.NONE, self.target)
