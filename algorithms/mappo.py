"""MAPPO: a recurrent policy shared by all agents, a recurrent critic of the state, clipped policy gradients (PPO).

Yu et al., "The Surprising Effectiveness of PPO in Cooperative Multi-Agent Games", NeurIPS 2022 (arXiv 2103.01955).
Settings: ``clipping_rnn_central_V.yaml`` in benellis3/mappo, the repository of SMACv2's first author. The benchmark's
``RUNNING_EXPERIMENTS.md`` (oxwhirl/smacv2) names this file for its curves, with a step size of 5e-4 for the policy.
Each update takes whole episodes: the critic is fitted to λ-returns first, then advantages are taken from it (GAE), then
the policy is improved.

Values, advantages and losses equal an independent implementation in float64 (``tests/algorithms/test_mappo.py``).
Deviations:

- battles go on while the policy is updated, so an episode may begin under the policy before; its actions keep the
  probabilities that they were drawn with;
- observations are normalised by the statistics of earlier batches, there by those of this one as well;
- one critic value for the team instead of one per agent, since all share the reward and the critic sees the state;
- gradients are clipped, as on-policy (marlbenchmark) does.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from algorithms.episode import Episode, EpisodeBatch, collate
from algorithms.network.agent_net import AgentNet
from algorithms.network.gru import SequenceGRU
from algorithms.network.layers import DenseLinear
from algorithms.network.policy import AgentNetPolicy
from algorithms.network.rows import PackedBatch
from algorithms.protocol import Decision, Diagnostics, Observation, PolicyState, Restored
from algorithms.q_learning.targets import td_lambda_targets
from algorithms.registry import Panel, register
from common.space import Choice, Range
from common.values import require


@dataclass(frozen=True, kw_only=True)
class MAPPOConfig:
    """Settings of MAPPO. Source of the defaults, unless noted otherwise: clipping_rnn_central_V.yaml.

    Raises:
        ValueError: a value is out of its range.
    """

    rnn_hidden_dim: int = 64
    """H, width of policy and critic. Source: PyMARL's default."""
    obs_last_action: bool = False
    """Whether the policy's input holds the agent's last action."""
    obs_agent_id: bool = True
    """Whether it holds the agent's number."""
    normalize_inputs: bool = True
    """Bring observations and states to mean 0 and variance 1, by the statistics of earlier batches."""
    lr: float = 5e-4
    """Adam's step size for the policy. Source: RUNNING_EXPERIMENTS.md; the file itself has 1e-3."""
    critic_lr: float = 1e-3
    """Adam's step size for the critic."""
    gamma: float = 0.99
    """Discount per env_step. Source: PyMARL's default."""
    gae_lambda: float = 0.995
    """λ of advantages and of the critic's targets, 0..1 (``tau`` there)."""
    bootstrap_at_limit: bool = False
    """Whether a time limit bootstraps from the last view."""
    clip_range: float = 0.1
    """How far the ratio of new to old probability counts: 1 ± this."""
    entropy_coef: float = 0.0
    """Weight of the policy's entropy."""
    episodes_per_update: int = 8
    """Finished episodes in an update."""
    policy_epochs: int = 10
    """Passes over them by the policy."""
    critic_epochs: int = 10
    """Passes over them by the critic."""
    grad_norm_clip: float = 10.0
    """Largest L2 norm of the gradient of the policy, and of that of the critic. Source: on-policy (marlbenchmark)."""

    def __post_init__(self) -> None:
        for name in ("rnn_hidden_dim", "episodes_per_update", "policy_epochs", "critic_epochs"):
            require(self, name, getattr(self, name) >= 1, "at least 1")
        for name in ("lr", "critic_lr", "clip_range", "grad_norm_clip"):
            require(self, name, getattr(self, name) > 0, "larger than 0")
        for name in ("gamma", "gae_lambda"):
            require(self, name, 0 <= getattr(self, name) <= 1, "between 0 and 1")
        require(self, "entropy_coef", self.entropy_coef >= 0, "0 or larger")


class Moments(nn.Module):
    """Mean and variance of each feature over all rows seen so far; before the first, 0 and 1."""

    mean: Tensor
    """(D,) float64"""
    variance: Tensor
    """(D,) float64"""
    count: Tensor
    """() float64, rows seen"""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size, dtype=torch.float64))
        self.register_buffer("variance", torch.ones(size, dtype=torch.float64))
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))

    @torch.no_grad()
    def observe(self, rows: Tensor, weight: Tensor) -> None:
        """Add (R, D) rows, of which those with a ``weight`` (R,) of 1 count."""
        rows, weight = rows.double(), weight.double()
        seen = weight.sum()
        mean = weight @ rows / seen.clamp(min=1)
        variance = weight @ (rows - mean).square() / seen.clamp(min=1)
        total = self.count + seen
        share, apart = seen / total.clamp(min=1), mean - self.mean
        self.variance.copy_((1 - share) * self.variance + share * variance + share * (1 - share) * apart.square())
        self.mean.add_(share * apart)
        self.count.copy_(total)

    def normalised(self, rows: Tensor) -> Tensor:
        """Return the rows (…, D) with mean 0 and variance 1."""
        return (rows - self.mean.to(rows.dtype)) / (self.variance.to(rows.dtype) + 1e-6).sqrt()


class CentralCritic(nn.Module):
    """``fc1 → ReLU → GRU → fc2``: the value of each state, from the states of its episode so far.

    Args:
        state_size: S.
        hidden_size: H.
        generator: draws the initial parameters.
    """

    def __init__(self, state_size: int, hidden_size: int, generator: torch.Generator) -> None:
        super().__init__()
        self.fc1 = DenseLinear(state_size, hidden_size, generator)
        self.gru = SequenceGRU(hidden_size, hidden_size, generator)
        self.fc2 = DenseLinear(hidden_size, 1, generator)

    def forward(self, state: Tensor, step_sizes: list[int]) -> Tensor:
        """Return values (V,) of states (V, S) in time order, of which step t has ``step_sizes[t]``."""
        value: Tensor = self.fc2(self.gru(F.relu(self.fc1(state)), step_sizes))
        return value.squeeze(-1)


def legal_log_probs(logits: Tensor, action_mask: Tensor) -> Tensor:
    """Return log-probabilities (…, A) of the legal actions, −inf for the others."""
    return logits.masked_fill(~action_mask, -torch.inf).log_softmax(-1)


def policy_loss(new: Tensor, old: Tensor, advantage: Tensor, weight: Tensor, clip_range: float) -> Tensor:
    """Return PPO's clipped objective, to be minimised, averaged by ``weight``.

    Args:
        new: (R,) log-probabilities of the actions taken, differentiable.
        old: (R,) those with which they were drawn.
        advantage: (R,).
        weight: (R,) 0 or 1.
        clip_range: ε of the paper.

    Source: Schulman et al., "Proximal Policy Optimization Algorithms" (arXiv 1707.06347), equation 7.
    """
    ratio = (new - old).exp()
    worst = torch.minimum(ratio * advantage, ratio.clamp(1 - clip_range, 1 + clip_range) * advantage)
    return -(worst * weight).sum() / weight.sum().clamp(min=1)


def entropy(log_probs: Tensor, weight: Tensor) -> Tensor:
    """Return the mean entropy of (R, A) log-probabilities, by ``weight`` (R,)."""
    finite = log_probs.masked_fill(log_probs == -torch.inf, 0.0)
    return -((log_probs.exp() * finite).sum(-1) * weight).sum() / weight.sum().clamp(min=1)


class MAPPO(AgentNetPolicy):
    """The learner.

    Args: as of ``Algorithm``; nothing depends on ``total_env_steps``.
    """

    config: MAPPOConfig

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        spec, config, device = self.spec, self.config, self.device
        self._explore_rng = self.generator("exploration")
        init_rng = self.generator("parameters")
        self.net = AgentNet(
            spec,
            config.rnn_hidden_dim,
            1,
            lambda in_features, out_features: DenseLinear(in_features, out_features, init_rng),
            init_rng,
            last_action=config.obs_last_action,
            agent_id=config.obs_agent_id,
            head_layers=1,
        ).to(device)
        self.critic = CentralCritic(spec.state_size, config.rnn_hidden_dim, init_rng).to(device)
        self.obs_moments = Moments(spec.obs_size).to(device)
        self.state_moments = Moments(spec.state_size).to(device)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=config.lr, eps=1e-5, fused=True)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), lr=config.critic_lr, eps=1e-5, fused=True)
        self._episodes: list[Episode] = []
        """finished since the last update"""

    # Acting

    @torch.no_grad()
    def act(self, observation: Observation, state: PolicyState, *, explore: bool) -> Decision:
        """Draw actions from the policy and record their log-probabilities, or take the most likely ones."""
        envs, agents = observation.unit_type.shape
        order = self.acting_order(torch.zeros(envs, agents, dtype=torch.int64))
        inputs = self._normalised(self.net.inputs(observation.obs, state["last_action"], order))
        hidden = state["hidden"].reshape(envs * agents, -1)
        logits, hidden = self.net(inputs, order, self.net.effective_weights(), hidden)
        log_probs = legal_log_probs(logits.view(envs, agents, -1), observation.action_mask)
        record = {}
        if explore:
            # the largest of log-probability plus Gumbel noise is a draw
            draws = torch.empty(log_probs.shape).exponential_(generator=self._explore_rng).clamp_(min=1e-30).log()
            actions = (log_probs - draws.to(self.device, non_blocking=True)).argmax(-1)
            record["log_prob"] = log_probs.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
        else:
            actions = log_probs.argmax(-1)
        return Decision(
            actions=actions, state={"hidden": hidden.view(envs, agents, -1), "last_action": actions}, record=record
        )

    def _normalised(self, inputs: Tensor) -> Tensor:
        """The policy's inputs (R, D + A + N) with their observations normalised."""
        if self.config.normalize_inputs:
            inputs[:, : self.spec.obs_size] = self.obs_moments.normalised(inputs[:, : self.spec.obs_size])
        return inputs

    # Learning

    def observe(self, episode: Episode) -> None:
        """Keep a copy until the next update."""
        self._episodes.append(copy.deepcopy(episode))

    def learn(self, env_steps: int) -> Diagnostics | None:
        """Fit critic and policy once ``episodes_per_update`` episodes have ended, then forget them."""
        self.env_steps = env_steps
        if len(self._episodes) < self.config.episodes_per_update:
            return None
        episodes, self._episodes = self._episodes, []
        batch = collate(episodes, self.device)
        packed = self.net.pack(batch)
        old = self._rows([episode.record["log_prob"] for episode in episodes], packed, batch)
        obs = packed.inputs[:, : self.spec.obs_size].clone()
        self._normalised(packed.inputs)
        state = self.state_moments.normalised(packed.state) if self.config.normalize_inputs else packed.state
        found = self._fit_critic(batch, packed, state)
        returns, value = self._returns(batch, packed, state)
        found |= self._fit_policy(packed, old, returns - value)
        self.obs_moments.observe(obs, packed.living)
        self.state_moments.observe(packed.state, packed.is_step)
        return {**found, "loss": found["policy_loss"] + found["critic_loss"]}

    def _fit_critic(self, batch: EpisodeBatch, packed: PackedBatch, state: Tensor) -> dict[str, Tensor]:
        """Fit the critic to λ-returns of its own values; returns the loss of the first pass."""
        returns, _ = self._returns(batch, packed, state)
        losses = []
        for _ in range(self.config.critic_epochs):
            value = self.critic(state, self._state_sizes(packed))
            losses.append(0.5 * ((value - returns).square() * packed.is_step).sum() / packed.is_step.sum())
            self._step(losses[-1], self.critic, self.critic_optimizer)
        return {"critic_loss": losses[0].detach(), "value": (returns * packed.is_step).sum() / packed.is_step.sum()}

    def _fit_policy(self, packed: PackedBatch, old: Tensor, advantage: Tensor) -> dict[str, Tensor]:
        """Improve the policy; returns what the first pass showed, and how far the last one came."""
        per_row = advantage.repeat_interleave(self.spec.n_agents)
        weight = packed.living_steps
        count = weight.sum().clamp(min=1)
        mean = (per_row * weight).sum() / count
        spread = ((per_row - mean).square() * weight).sum() / count
        per_row = (per_row - mean) / (spread + 1e-6).sqrt()
        shown: list[dict[str, Tensor]] = []
        for _ in range(self.config.policy_epochs):
            logits, _ = self.net(packed.inputs, packed.order, self.net.effective_weights())
            log_probs = legal_log_probs(logits, packed.action_mask)
            # a last view has no action, and the one in its place may be illegal
            new = torch.where(weight > 0, log_probs.gather(1, packed.action).squeeze(1), old)
            loss = policy_loss(new, old, per_row, weight, self.config.clip_range)
            spread_out = entropy(log_probs, weight)
            grad_norm = self._step(loss - self.config.entropy_coef * spread_out, self.net, self.optimizer)
            moved = ((new - old).exp() - 1).abs().detach()
            shown.append({"policy_loss": loss.detach(), "entropy": spread_out.detach(), "grad_norm": grad_norm})
            clipped = ((moved > self.config.clip_range) * weight).sum() / count
        return {**shown[0], "clipped": clipped}

    def _step(self, loss: Tensor, net: nn.Module, optimizer: torch.optim.Optimizer) -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm: Tensor = nn.utils.clip_grad_norm_(net.parameters(), self.config.grad_norm_clip)
        optimizer.step()
        return norm

    @torch.no_grad()
    def _returns(self, batch: EpisodeBatch, packed: PackedBatch, state: Tensor) -> tuple[Tensor, Tensor]:
        """λ-returns (V,) under the critic as it is, and its values (V,)."""
        value = self.critic(state, self._state_sizes(packed))
        filled = batch.filled.to(self.device)
        padded = value.new_zeros(filled.shape[0] * (filled.shape[1] + 1))
        padded[packed.order.views] = value
        returns = td_lambda_targets(
            batch.reward,
            padded.view(len(filled), -1)[:, 1:],
            batch.ended(bootstrap_at_limit=self.config.bootstrap_at_limit).to(self.device),
            filled,
            gamma=self.config.gamma,
            td_lambda=self.config.gae_lambda,
        )
        return F.pad(returns, (0, 1)).flatten()[packed.order.views], value

    def _state_sizes(self, packed: PackedBatch) -> list[int]:
        """How many states there are at each time step."""
        return [rows // self.spec.n_agents for rows in packed.order.step_sizes]

    def _rows(self, recorded: list[np.ndarray], packed: PackedBatch, batch: EpisodeBatch) -> Tensor:
        """What the policy recorded, (L, N) of each episode, as (R,) in the order of the packed rows."""
        padded = np.zeros((len(recorded), batch.filled.shape[1] + 1, self.spec.n_agents), np.float32)
        for i, values in enumerate(recorded):
            padded[i, : len(values)] = values
        return torch.from_numpy(padded).to(self.device).flatten()[packed.order.rows]

    # Schedule, checkpoints

    def schedule(self) -> dict[str, float]:
        """Return the length of the run; nothing changes on the way."""
        return {"total_env_steps": self.total_env_steps}

    def parts(self) -> dict[str, Any]:
        names = ("net", "critic", "obs_moments", "state_moments", "optimizer", "critic_optimizer")
        return {name: getattr(self, name) for name in names}

    @property
    def experience_bytes(self) -> int:
        """Bytes of the episodes that wait for the next update."""
        arrays = (value for episode in self._episodes for value in (*vars(episode).values(), *episode.record.values()))
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))

    def experience(self, *, contents: bool) -> dict[str, Any]:
        """Return the episodes that wait for the next update."""
        held = [vars(episode) for episode in self._episodes] if contents else []
        return {"held": len(self._episodes), "episodes": copy.deepcopy(held)}

    def load_experience(self, saved: dict[str, Any]) -> Restored:
        self._episodes = [Episode(**fields) for fields in copy.deepcopy(saved["episodes"])]
        complete = len(self._episodes) == saved["held"]
        lost = f" without the {saved['held']} episodes that waited for an update"
        kept = f", {len(self._episodes)} episodes that wait for an update included"
        return Restored(complete=complete, message=kept if complete else lost)


register(
    "mappo",
    entry_point=MAPPO,
    config=MAPPOConfig,
    source="Yu et al., NeurIPS 2022 (arXiv 2103.01955); settings of benellis3/mappo",
    smoke={"episodes_per_update": 4},
    panels=[
        Panel(title="loss", lines={"policy_loss": "policy", "critic_loss": "critic"}),
        Panel(title="entropy of the policy", lines={"entropy": "entropy"}),
        Panel(title="ratio of probabilities clipped", lines={"clipped": "share"}),
        Panel(title="λ-return", lines={"value": "mean"}),
    ],
    space={
        "lr": Range(low=3e-4, high=2e-3, log=True),
        "clip_range": Choice(values=(0.05, 0.1, 0.2)),
        "entropy_coef": Choice(values=(0.0, 0.001, 0.01)),
    },
)
