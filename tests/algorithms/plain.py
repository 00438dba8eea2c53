"""QMIX, Kalei and K24 written out a second time: row by row, step by step, in float64, straight from the papers.

Nothing here is shared with the learners but the names of their parameters. What the papers leave to the published code
(half the squared error, where padding counts) follows LXXXXR/Kaleidoscope, folder Kalei_SMACv2.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import torch
from torch import Tensor

from algorithms.episode import EpisodeBatch
from algorithms.q_learning.learner import QLearner
from envs.spec import EnvSpec

LAYERS = ("fc1", "fc2", "fc3", "fc4")

Parameters = dict[str, Tensor]
LayerWeight = Callable[[str, int], Tensor]
"""(layer, mask group) -> (out, in)"""


def in_float64(made: QLearner) -> QLearner:
    """The same learner in double precision, its target networks moved away from the online ones."""
    for module in (made.net, made.mixer, made.target_net, made.target_mixer):
        module.double()
    part_targets(made)
    return made


@torch.no_grad()
def part_targets(made: QLearner) -> None:
    """Move the target networks of a fresh learner away from the online ones."""
    for p in (*made.target_net.parameters(), *made.target_mixer.parameters()):
        p.mul_(1.25)


def batch_in_float64(episodes: EpisodeBatch) -> EpisodeBatch:
    fields = {name: getattr(episodes, name).double() for name in ("obs", "state", "reward")}
    return dataclasses.replace(episodes, **fields)


def leaves(made: QLearner, *, target: bool = False) -> Parameters:
    """Copies of all parameters by name, ready to collect gradients of their own."""
    return {name: p.detach().clone().requires_grad_(not target) for name, p in named(made, target=target).items()}


def named(made: QLearner, *, target: bool = False) -> Parameters:
    """All parameters by name, the mixer's with its name before theirs."""
    net, mixer = (made.target_net, made.target_mixer) if target else (made.net, made.mixer)
    return {**dict(net.named_parameters()), **{f"mixer.{name}": p for name, p in mixer.named_parameters()}}


def agent_q(p: Parameters, weight: LayerWeight, group: int, rows: Tensor) -> Tensor:
    """One agent's Q-values (L+1, A) along its episode from its inputs (L+1, in); the GRU gate by gate."""
    size = p["gru.weight_hh"].shape[1]
    hidden, values = torch.zeros(size, dtype=torch.float64), []
    for row in rows:
        x = torch.relu(weight("fc1", group) @ row + p["fc1.bias"])
        from_x = (p["gru.weight_ih"] @ x + p["gru.bias_ih"]).split(size)
        from_h = (p["gru.weight_hh"] @ hidden + p["gru.bias_hh"]).split(size)
        reset, update = (torch.sigmoid(a + b) for a, b in zip(from_x[:2], from_h[:2], strict=True))
        new = torch.tanh(from_x[2] + reset * from_h[2])
        hidden = (1 - update) * new + update * hidden
        y = hidden
        *between, last = (name for name in LAYERS[1:] if f"{name}.bias" in p)
        for name in between:
            y = torch.relu(weight(name, group) @ y + p[f"{name}.bias"])
        values.append(weight(last, group) @ y + p[f"{last}.bias"])
    return torch.stack(values)


def mixed(p: Parameters, q: Tensor, state: Tensor, embed: int, hyper: int) -> Tensor:
    """Q_tot of one view: ``|w2(s)| · elu(|w1(s)| q + b1(s)) + b2(s)``, four separate hypernetworks."""

    def first(start: int, width: int) -> Tensor:
        at = slice(start, start + width)
        return p["mixer.first.weight"][at] @ state + p["mixer.first.bias"][at]

    w1 = (p["mixer.w1.weight"] @ torch.relu(first(0, hyper)) + p["mixer.w1.bias"]).abs()
    w2 = (p["mixer.w2.weight"] @ torch.relu(first(hyper, hyper)) + p["mixer.w2.bias"]).abs()
    b1 = first(2 * hyper, embed)
    b2 = p["mixer.b2.weight"] @ torch.relu(first(2 * hyper + embed, embed)) + p["mixer.b2.bias"]
    before = sum(q[i] * w1[i * embed : (i + 1) * embed] for i in range(len(q))) + b1
    elu = torch.where(before > 0, before, before.exp() - 1)
    return (w2 * elu).sum() + b2[0]


def dense(p: Parameters) -> LayerWeight:
    """The weights of a network without masks."""
    return lambda name, _group: p[f"{name}.weight"]


def inputs_of(episodes: EpisodeBatch, b: int, agent: int, length: int, spec: EnvSpec) -> Tensor:
    """obs ⊕ one-hot last action ⊕ one-hot id of one agent along an episode (L+1, in)."""
    rows = []
    for t in range(length + 1):
        last, me = torch.zeros(spec.n_actions), torch.zeros(spec.n_agents)
        if t:
            last[episodes.actions[b, t - 1, agent]] = 1
        me[agent] = 1
        rows.append(torch.cat([episodes.obs[b, t, agent], last.double(), me.double()]))
    return torch.stack(rows)


def lambda_return(rewards: list[float], values: list[float], ends: bool, gamma: float, lam: float) -> list[float]:
    """The forward view: every n-step return, weighted by (1 − λ) λⁿ⁻¹, the longest one by what remains.

    Args:
        rewards: r_0 … r_{L−1}.
        values: V_1 … V_L, of the view after each step.
        ends: whether nothing follows the last step.
        gamma: discount.
        lam: λ.
    """
    length, returns = len(rewards), []
    for t in range(length):
        total, remaining = 0.0, 1.0
        for n in range(1, length - t + 1):
            last = t + n == length
            value = 0.0 if last and ends else values[t + n - 1]
            n_step = sum(gamma**i * rewards[t + i] for i in range(n)) + gamma**n * value
            total += (remaining if last else (1 - lam) * remaining) * n_step
            remaining *= lam
        returns.append(total)
    return returns


def td_loss(
    made: QLearner, episodes: EpisodeBatch, p: Parameters, target: Parameters, weight: LayerWeight, aimed: LayerWeight
) -> Tensor:
    """Half the squared error of Q_tot against double-Q TD(λ) targets, averaged over real steps.

    Args:
        made: its spec, config and mask groups are read.
        episodes: float64.
        p: online parameters.
        target: of the target networks.
        weight: masked weights of the online network.
        aimed: of the target network.
    """
    spec, config = made.spec, made.config
    sizes = config.mixing_embed_dim, config.hypernet_embed
    errors = []
    for b, length in enumerate(episodes.filled.sum(1).tolist()):
        online, future = [], []
        for agent in range(spec.n_agents):
            group = group_of(made, int(episodes.unit_type[b, agent]), agent)
            rows = inputs_of(episodes, b, agent, length, spec)
            online.append(agent_q(p, weight, group, rows))
            future.append(agent_q(target, aimed, group, rows).detach())
        values, taken = [], []
        for t in range(length + 1):
            best = []
            for agent in range(spec.n_agents):
                legal = episodes.action_mask[b, t, agent].nonzero().flatten().tolist()
                best.append(max(legal, key=lambda a: online[agent][t, a].item()))
            q_next = torch.stack([future[agent][t, a] for agent, a in enumerate(best)])
            values.append(mixed(target, q_next, episodes.state[b, t], *sizes).item())
            if t < length:
                q = torch.stack([online[i][t, episodes.actions[b, t, i]] for i in range(spec.n_agents)])
                taken.append(mixed(p, q, episodes.state[b, t], *sizes))
        ends = bool(episodes.terminated[b, length - 1]) or not config.bootstrap_at_limit
        returns = lambda_return(episodes.reward[b, :length].tolist(), values[1:], ends, config.gamma, config.td_lambda)
        errors += [0.5 * (q_tot - value) ** 2 for q_tot, value in zip(taken, returns, strict=True)]
    return torch.stack(errors).mean()


def group_of(made: QLearner, unit_type: int, agent: int) -> int:
    if made.n_groups == 1:
        return 0
    return unit_type if len(made.spec.unit_types) >= 2 else agent


class Adam:
    """Gradient clipping by the joint norm and Adam (Kingma & Ba, ICLR 2015, algorithm 1), one number at a time."""

    def __init__(self, made: QLearner) -> None:
        self.lr, self.clip, self.t = made.config.lr, made.config.grad_norm_clip, 0
        self.m: Parameters = {}
        self.v: Parameters = {}

    def check(self, made: QLearner, p: Parameters, grads: Parameters, tolerance: float = 1e-10) -> None:
        """Hold the learner after an update against a step from these parameters with these gradients."""
        norm = math.sqrt(sum(g.square().sum().item() for g in grads.values()))
        clipped = {name: g * min(1.0, self.clip / (norm + 1e-6)) for name, g in grads.items()}
        assert_same(gradients(named(made)), clipped, "gradient", tolerance)
        assert_same(leaves(made), self.step(p, clipped), "step", tolerance)

    def step(self, p: Parameters, grads: Parameters) -> Parameters:
        """Parameters after the step; those without a gradient stay."""
        self.t += 1
        after = {name: value.detach().clone() for name, value in p.items()}
        for name, g in grads.items():
            self.m[name] = 0.9 * self.m.get(name, torch.zeros_like(g)) + 0.1 * g
            self.v[name] = 0.999 * self.v.get(name, torch.zeros_like(g)) + 0.001 * g * g
            m, v = self.m[name] / (1 - 0.9**self.t), self.v[name] / (1 - 0.999**self.t)
            after[name] -= self.lr * m / (v.sqrt() + 1e-8)
        return after


def assert_same(mine: Parameters, plain: Parameters, what: str, tolerance: float) -> None:
    """All tensors of two tables agree, absent ones counting as zeros."""
    assert set(mine) <= set(plain), what
    for name, value in plain.items():
        other = mine.get(name, torch.zeros_like(value))
        torch.testing.assert_close(
            other, value, rtol=tolerance, atol=tolerance, msg=lambda m, name=name: f"{what} of {name}: {m}"
        )


def gradients(p: Parameters) -> Parameters:
    return {name: value.grad for name, value in p.items() if value.grad is not None}


def finite_differences(value: Callable[[], Tensor], at: Tensor, step: float = 1e-6) -> Tensor:
    """The gradient of ``value()`` in the entries of ``at``, which it reads."""
    gradient = torch.zeros_like(at)
    with torch.no_grad():
        for i in range(at.numel()):
            entry = at.view(-1)[i : i + 1]
            before = entry.clone()
            entry += step
            higher = value()
            entry.copy_(before - step)
            gradient.view(-1)[i] = (higher - value()) / (2 * step)
            entry.copy_(before)
    return gradient
