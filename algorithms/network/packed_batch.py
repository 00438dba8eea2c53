"""The real part of a padded batch, as the learner works through it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.episode import EpisodeBatch
from algorithms.network.agent_net import AgentNet, mask_groups
from algorithms.network.rows import RowPermutation, order_rows
from envs.spec import EnvSpec


@dataclass(frozen=True, kw_only=True)
class PackedBatch:
    """The real part of a batch: R rows in group order, V views in time order."""

    order: RowPermutation
    inputs: Tensor
    """(R, D + A + N) of the agent network"""
    action_mask: Tensor
    """(R, A) bool"""
    action: Tensor
    """(R, 1) int64 taken in this view, 0 in the last one"""
    state: Tensor
    """(V, S)"""
    is_step: Tensor
    """(V,) float: 1 where an action followed, 0 in an episode's last view"""
    living: Tensor
    """(R,) float: 1 where the agent is alive, 0 where action 0 is all it may do and that means dead"""
    living_steps: Tensor
    """(R,) float: 1 where a living agent's action followed"""


def pack_batch(batch: EpisodeBatch, net: AgentNet, spec: EnvSpec, device: torch.device) -> PackedBatch:
    """Drop the padding and sort the rows by mask group; what is real is found out on the CPU.

    Args:
        batch: B episodes, on any device.
        net: says what its inputs hold and how many mask groups there are.
        spec: the world.
        device: where the views go.
    """
    filled = batch.filled.cpu()
    groups = mask_groups(batch.unit_type.cpu(), spec, net.n_groups)
    order = order_rows(filled.sum(1) + 1, groups, net.n_groups, filled.shape[1] + 1)
    steps = torch.cat([filled, filled.new_zeros(len(filled), 1)], 1).flatten()
    is_step, of_rows = steps[order.views].float(), steps[order.rows // spec.n_agents]
    order = order.to(device)
    actions = batch.actions.to(device)
    none = actions.new_full((actions.shape[0], 1, actions.shape[2]), -1)
    action_mask = batch.action_mask.to(device)
    action_mask = action_mask.reshape(-1, spec.n_actions)[order.rows]
    inputs = net.inputs(batch.obs.to(device), torch.cat([none, actions], 1), order)
    living = action_mask[:, 1:].any(1) | (not spec.only_noop_means_dead)
    return PackedBatch(
        order=order,
        inputs=inputs,
        action_mask=action_mask,
        action=torch.cat([actions, torch.zeros_like(none)], 1).flatten()[order.rows].unsqueeze(1),
        state=batch.state.to(device).reshape(-1, spec.state_size).index_select(0, order.views),
        is_step=is_step.to(device, non_blocking=True),
        living=living.to(inputs.dtype),
        living_steps=(living & of_rows.to(device, non_blocking=True)).to(inputs.dtype),
    )
