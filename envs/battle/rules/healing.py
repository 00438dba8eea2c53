"""A medivac at work: heal the patient in reach, follow the one that is not."""

from __future__ import annotations

from envs.battle.basics.geometry import within
from envs.battle.jit import kernel
from envs.battle.state import NONE


@kernel
def heal(b, u, i):
    """Carry out a heal order for one tick; true when the medivac must follow its patient. One medivac per patient."""
    j = b.target[i]
    k = b.kind[i]
    if not b.alive[j] or b.hp[j] >= u.hp[b.kind[j]]:
        b.order[i] = NONE
        b.channel[i] = False
        return False
    near = within(b, u, i, j, u.heal_range[k])
    # Healing that has begun goes on within the slop while the medivac follows.
    if near or (b.channel[i] and within(b, u, i, j, u.heal_range[k] + u.heal_slop[k])):
        amount = min(u.heal_rate[k], b.energy[i] / u.heal_cost[k])
        if b.healed[j] == 0.0 and amount > 0.0:
            missing = u.hp[b.kind[j]] - b.hp[j]
            amount = min(amount, missing)
            b.healed[j] = amount
            b.energy[i] = max(b.energy[i] - amount * u.heal_cost[k], 0.0)
            b.channel[i] = True
    else:
        b.channel[i] = False
    return not near
