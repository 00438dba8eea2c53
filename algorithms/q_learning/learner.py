"""The learner that QMIX, Kalei and K24 share: double-Q, TD(λ), a mixer, whole sequences at a time.

What differs between them is left to a few small methods: ``make_linear`` (the layers), ``make_mixer``,
``update_weights`` (what an update multiplies with), ``td_targets``, ``td_loss``, ``extra_loss`` (diversity),
``observe_inputs`` (statistics of the layers' inputs) and ``advance`` (schedule events).
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from algorithms.episode import EpisodeBatch
from algorithms.kernels.agent_kernels import AgentKernels
from algorithms.kernels.batch import KernelBatch
from algorithms.kernels.compiled import announce_compiling, compiled_for
from algorithms.network.agent_net import AgentNet, mask_groups
from algorithms.network.layers import DenseLinear, GroupLinear
from algorithms.network.policy import AgentNetPolicy
from algorithms.protocol import Decision, Diagnostics, Observation, PolicyState
from algorithms.q_learning.config import QLearnerConfig, epsilon_length, linear
from algorithms.q_learning.mixer import QMixer
from algorithms.q_learning.targets import td_lambda_targets
from algorithms.q_learning.values import agent_values
from algorithms.replay.learning import ReplayLearner


@dataclass(frozen=True, kw_only=True)
class UpdateWeights:
    """What one update multiplies with, decided before its forward pass; a subclass may hold more for ``extra_loss``."""

    online: dict[str, Tensor]
    """layer name -> (G, out, in) of the network that learns, differentiable"""
    target: dict[str, Tensor]
    """layer name -> (G, out, in) of the target network, without gradients"""


class QLearner(AgentNetPolicy, ReplayLearner):
    """Value learning on whole episodes.

    Args: as of ``Algorithm``.

    Source: PyMARL2's ``nq_learner`` as kept in LXXXXR/Kaleidoscope.
    Deviations: padded steps are dropped instead of masked, which changes nothing but time; the target copy counts
    episodes as updates × episodes_per_update, so those that filled the first batch are left out; with
    ``bootstrap_at_limit`` see ``targets.py``. All else equals an independent implementation in float64, to rounding
    (``tests/algorithms/test_published_qmix.py``).
    """

    config: QLearnerConfig

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        config = self.config
        self.updates = 0
        if self.device.type == "cpu":
            announce_compiling()  # before the first weights: masks are chosen by a compiled pass
        self._explore_rng = self.generator("exploration")
        self._init_rng = self.generator("parameters")
        self.net = AgentNet(
            self.spec,
            config.rnn_hidden_dim,
            self.n_groups,
            self.make_linear,
            self._init_rng,
            last_action=config.obs_last_action,
            agent_id=config.obs_agent_id,
            grouped_gru=self.grouped_gru,
            head_layers=self.head_layers,
        ).to(self.device)
        self.mixer = self.make_mixer().to(self.device)
        self.target_net = copy.deepcopy(self.net).requires_grad_(False)
        self.target_mixer = copy.deepcopy(self.mixer).requires_grad_(False)
        self.parameters = [*self.net.parameters(), *self.mixer.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters, lr=config.lr, fused=True)
        self._agent_kernels = AgentKernels(self.net.kernel_sizes(), self.n_groups)
        self._acting: dict[str, Tensor] | None = None
        self._packed_acting: np.ndarray | None = None
        self._target: dict[str, Tensor] | None = None

    # What a sparse algorithm changes

    head_layers = 3
    """Layers after the GRU."""

    @property
    def n_groups(self) -> int:
        """G: weight matrices of each layer, one for each mask group."""
        return 1

    @property
    def grouped_gru(self) -> bool:
        """Whether the GRU's two matrices are among the layers that keep G weights."""
        return False

    @abstractmethod
    def make_mixer(self) -> nn.Module:
        """Make what turns the agents' values (V, N) and states (V, S) into joint values (V,)."""

    def make_linear(self, in_features: int, out_features: int) -> GroupLinear:
        """Make one prunable layer of the agent network."""
        return DenseLinear(in_features, out_features, self._init_rng)

    def update_weights(self, env_steps: int) -> UpdateWeights:
        """Decide once per update what both networks multiply with."""
        return UpdateWeights(online=self.net.effective_weights(), target=self.target_weights())

    def extra_loss(self, td_loss: Tensor, weights: UpdateWeights) -> tuple[Tensor | None, Diagnostics]:
        """Return a term added to the TD loss, already weighted, and its diagnostics, best as tensors (see ``update``).

        Args:
            td_loss: ().
            weights: what ``update_weights`` returned for this update.
        """
        return None, {}

    def td_targets(self, reward: Tensor, next_value: Tensor, ended: Tensor, filled: Tensor) -> Tensor:
        """Return what joint values are drawn to, (B, T), 0 on padded steps; arguments as in ``td_lambda_targets``.

        A class that changes this or ``td_loss`` mixes with PyTorch's operations, not with the compiled ones.
        """
        gamma, td_lambda = self.config.gamma, self.config.td_lambda
        return td_lambda_targets(reward, next_value, ended, filled, gamma=gamma, td_lambda=td_lambda)

    def td_loss(self, error: Tensor, filled: Tensor) -> Tensor:
        """Return the loss (): half the mean square of the errors.

        It is also called once before training, on zeros, while code is compiled: keep no state in it.

        Args:
            error: (B, T) float, joint value minus target; it has a gradient.
            filled: (B, T) bool, real steps; the others do not count.
        """
        return 0.5 * (error.square() * filled).sum() / filled.sum()

    def inspect_batch(self, batch: EpisodeBatch) -> None:
        """Look at a batch before the update on it."""

    def observe_inputs(self, sums: dict[str, Tensor], rows: Tensor) -> None:
        """Take in how strongly each input of the layers was used; only called where ``wants_input_use`` is true.

        Args:
            sums: layer name -> (G, in) sums of magnitudes over the filled rows of living agents.
            rows: (G,) how many rows they sum over.
        """

    @property
    def wants_input_use(self) -> bool:
        """Whether ``observe_inputs`` is to be called."""
        return False

    # Acting

    def act(self, observation: Observation, state: PolicyState, *, explore: bool) -> Decision:
        """Act epsilon-greedily where it explores, else greedily; see ``Algorithm.act``."""
        actions, hidden = self.choose_actions(
            observation.obs,
            state["last_action"],
            observation.action_mask,
            observation.unit_type,
            state["hidden"],
            epsilon=self.epsilon(self.env_steps) if explore else 0.0,
        )
        return Decision(actions=actions, state={"hidden": hidden, "last_action": actions})

    @torch.no_grad()
    def choose_actions(
        self,
        obs: Tensor,
        last_action: Tensor,
        action_mask: Tensor,
        unit_type: Tensor,
        hidden: Tensor,
        *,
        epsilon: float,
    ) -> tuple[Tensor, Tensor]:
        """Choose actions, epsilon-greedy over the legal ones; epsilon 0 is greedy and draws nothing.

        Args:
            obs: (E, N, D) float32.
            last_action: (E, N) int64, -1 on the first step of an episode (an all-zero one-hot).
            action_mask: (E, N, A) bool.
            unit_type: (E, N) int64.
            hidden: (E, N, H).
            epsilon: probability of a uniformly random legal action, per agent.

        Returns:
            actions (E, N) int64 and the next hidden (E, N, H).
        """
        envs, agents = last_action.shape
        groups = mask_groups(unit_type, self.spec, self.n_groups)
        draws = None
        if epsilon > 0:
            draws = torch.rand(envs, agents, self.spec.n_actions + 1, generator=self._explore_rng)
        if self._compiled:
            if self._packed_acting is None:
                self._packed_acting = self._agent_kernels.pack(self.net.kernel_weights(self.net.effective_weights()))
            return self._agent_kernels.act(
                self._packed_acting, groups, obs, last_action, action_mask, hidden, draws, epsilon
            )
        if self._acting is None:
            self._acting = self.net.effective_weights()
        order = self.acting_order(groups.cpu())
        inputs = self.net.inputs(obs, last_action, order)
        q, next_hidden = self.net(inputs, order, self._acting, hidden.reshape(envs * agents, -1))
        q = order.to_time_order(q).view(envs, agents, -1)
        actions = q.masked_fill(~action_mask, -torch.inf).argmax(-1)
        if draws is not None:
            # the largest of uniform draws over the legal actions is a uniform legal action
            draws = draws.to(self.device, non_blocking=True)
            random_actions = draws[..., 1:].masked_fill(~action_mask, -1.0).argmax(-1)
            actions = torch.where(draws[..., 0] < epsilon, random_actions, actions)
        return actions, next_hidden.view(envs, agents, -1)

    def compile(self) -> None:
        """Run every compiled pass once, on two env_steps of nothing, so that compiling is booked to no update."""
        if not self._compiled:
            return
        n, a, steps = self.spec.n_agents, self.spec.n_actions, 2
        empty = EpisodeBatch(
            obs=torch.zeros(1, steps + 1, n, self.spec.obs_size),
            state=torch.zeros(1, steps + 1, self.spec.state_size),
            action_mask=torch.ones(1, steps + 1, n, a, dtype=torch.bool),
            actions=torch.zeros(1, steps, n, dtype=torch.int64),
            reward=torch.zeros(1, steps),
            terminated=torch.zeros(1, steps, dtype=torch.bool),
            truncated=torch.zeros(1, steps, dtype=torch.bool),
            filled=torch.ones(1, steps, dtype=torch.bool),
            unit_type=torch.zeros(1, n, dtype=torch.int64),
        )
        # detached, so that no layer takes notice of these gradients
        online = {name: each.detach().requires_grad_() for name, each in self.net.effective_weights().items()}
        weights = UpdateWeights(online=online, target=self.target_weights())
        loss, *_ = self._loss_of_batch(empty, weights)
        learned = [*online.values(), *(p for p in self.parameters if p.requires_grad)]
        torch.autograd.grad(loss, learned, allow_unused=True)
        hidden = torch.zeros(1, n, self.net.hidden_size)
        kernels, packed = self._agent_kernels, self._agent_kernels.pack(self.net.kernel_weights(weights.online))
        last, mask, draws = torch.full((1, n), -1), empty.action_mask[:, 0], torch.zeros(1, n, a + 1)
        kernels.act(packed, empty.unit_type, empty.obs[:, 0], last, mask, hidden, draws, 1.0)

    @property
    def _compiled(self) -> bool:
        """Whether the compiled passes can do the work: float32 on a processor."""
        return compiled_for(self.net.fc1.weight)

    @property
    def _compiled_mixer(self) -> QMixer | None:
        """The mixer if it, the targets and the loss are the compiled ones; a class of one's own may change each."""
        kind, mixer = type(self), self.mixer
        unchanged = kind.td_targets is QLearner.td_targets and kind.td_loss is QLearner.td_loss
        return mixer if unchanged and type(mixer) is QMixer else None

    def epsilon(self, env_steps: int) -> float:
        """Return the exploration rate, linear from ``epsilon_start`` to ``epsilon_finish``."""
        length = epsilon_length(self.config.epsilon_anneal_time, self.total_env_steps)
        return linear(self.config.epsilon_start, self.config.epsilon_finish, length, env_steps)

    # Learning

    def update(self, batch: EpisodeBatch, env_steps: int) -> Diagnostics:
        """Make one gradient step on B episodes; see ``Algorithm.learn``."""
        self.inspect_batch(batch)
        weights = self.update_weights(env_steps)
        td_loss, q_taken, target, use = self._loss_of_batch(batch, weights)
        if use is not None:
            self.observe_inputs(*use)
        extra, diagnostics = self.extra_loss(td_loss, weights)
        loss = td_loss if extra is None else td_loss + extra
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        grad_norm = nn.utils.clip_grad_norm_(self.parameters, self.config.grad_norm_clip)
        self.optimizer.step()
        self._forget_weights()
        self.updates += 1
        if self.updates % max(1, self.config.target_update_interval // self.config.episodes_per_update) == 0:
            self.synchronise_targets()
        return {
            "loss": loss.detach(),
            "td_loss": td_loss.detach(),
            "grad_norm": grad_norm,
            "q_taken": q_taken,
            "target": target,
            **diagnostics,
        }

    def _loss_of_batch(
        self, batch: EpisodeBatch, weights: UpdateWeights
    ) -> tuple[Tensor, float | Tensor, float | Tensor, tuple[dict[str, Tensor], Tensor] | None]:
        """Return ``td_loss``, means of joint values and of targets, and the use of the inputs.

        On a CPU in float32 the compiled branch; elsewhere ``values.py``, ``mixer.py`` and ``targets.py``.
        """
        if not self._compiled:
            taken, best_target, use = agent_values(
                self.net, self.target_net, batch, weights.online, weights.target, count_use=self.wants_input_use
            )
            return *self._mixed_loss(batch, taken, best_target), use
        groups = mask_groups(batch.unit_type, self.spec, self.n_groups)
        given = KernelBatch.of(batch, groups, bootstrap_at_limit=self.config.bootstrap_at_limit)
        online = self.net.kernel_weights(weights.online)
        target = self._agent_kernels.pack(self.target_net.kernel_weights(weights.target))
        taken, values, use = self._agent_kernels.values(given, online, target, count_use=self.wants_input_use)
        if (mixer := self._compiled_mixer) is not None:
            gamma, td_lambda = self.config.gamma, self.config.td_lambda
            packed = mixer.kernels.pack(self.target_mixer)
            loss = mixer.kernels.loss(given, taken, values, mixer, packed, gamma=gamma, td_lambda=td_lambda)
            return *loss, use
        shape = (*batch.action_mask.shape[:3],)
        return *self._mixed_loss(batch, taken.view(shape), torch.from_numpy(values).view(shape)), use

    def _mixed_loss(self, batch: EpisodeBatch, taken: Tensor, best_target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The loss and the two means with PyTorch's operations, from (B, T+1, N) values."""
        state, filled = batch.state.to(self.device), batch.filled.to(self.device, non_blocking=True)
        q_tot = self.mixer(taken.flatten(0, 1), state.flatten(0, 1)).view(state.shape[:2])[:, :-1]
        with torch.no_grad():
            value = self.target_mixer(best_target.flatten(0, 1), state.flatten(0, 1)).view(state.shape[:2])
            targets = self.td_targets(
                batch.reward.to(self.device),
                value[:, 1:],
                batch.ended(bootstrap_at_limit=self.config.bootstrap_at_limit).to(self.device, non_blocking=True),
                filled,
            )
        n_steps = filled.sum()
        mean_taken, mean_target = (q_tot.detach() * filled).sum() / n_steps, (targets * filled).sum() / n_steps
        return self.td_loss(q_tot - targets, filled), mean_taken, mean_target

    def _forget_weights(self) -> None:
        """Drop cached acting weights; call after any weight change."""
        self._acting = self._packed_acting = None

    def target_weights(self) -> dict[str, Tensor]:
        """Return layer name -> (G, out, in) of the target network as it acts, kept until the next copy."""
        if self._target is None:
            self._target = self.target_net.effective_weights()
        return self._target

    def synchronise_targets(self) -> None:
        """Copy the learned networks into the target networks."""
        self.target_net.load_state_dict(self.net.state_dict())
        self.target_mixer.load_state_dict(self.mixer.state_dict())
        self._target = None

    # Schedules, checkpoints

    def schedule(self) -> dict[str, float]:
        """Return the resolved schedule in env_steps."""
        return {
            "total_env_steps": self.total_env_steps,
            "epsilon_anneal_time": epsilon_length(self.config.epsilon_anneal_time, self.total_env_steps),
        }

    def diagnostics(self) -> dict[str, float]:
        return {"epsilon": self.epsilon(self.env_steps)}

    def parts(self) -> dict[str, Any]:
        names = ("net", "mixer", "target_net", "target_mixer", "optimizer")
        return {name: getattr(self, name) for name in names}

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "updates": self.updates}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        super().load_state_dict(saved)
        self.updates = saved["updates"]
        self._target = None
        self._forget_weights()
