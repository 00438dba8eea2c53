"""A GPU is never waited for between drawing a batch and the end of an update.

The meta device replaces a GPU: it holds no numbers, so reading one, or asking which entries are non-zero, is an
error there; what it cannot refuse, a copy for which the caller waits, the mode below does.
"""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from algorithms import registry
from algorithms.episode import EpisodeBatch
from algorithms.q_learning.learner import QLearner
from algorithms.replay.replay import EpisodeReplay
from tests.algorithms.worlds import SPEC, episode, settings

META = torch.device("meta")


class NoWaiting(TorchDispatchMode):
    """Refuse copies between devices that the caller waits for, and count the others."""

    def __init__(self) -> None:
        super().__init__()
        self.crossings = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if func.overloadpacket in (torch.ops.aten._to_copy, torch.ops.aten.copy_):
            devices = {x.device for x in (*args, result) if isinstance(x, Tensor)}
            if len(devices) > 1:
                self.crossings += 1
                free = kwargs.get("non_blocking", args[2] if len(args) > 2 else False)
                assert free, f"{func} of {tuple(result.shape)} is waited for"
        return result


def on_meta(id: str) -> QLearner:
    made = registry.make(id, SPEC, settings(id, target_update_interval=4), total_env_steps=1000, seed=0, device=META)
    assert isinstance(made, QLearner)
    # the fused Adam of the learner has no kernel without numbers
    made.optimizer = torch.optim.Adam(made.parameters, lr=1e-3, foreach=True)
    return made


def drawn(device: torch.device) -> EpisodeBatch:
    replay = EpisodeReplay(8, seed=0)
    rng = np.random.default_rng(0)
    for length in (7, 3, 12, 5):
        replay.insert(episode(rng, length))
    return replay.sample(4, device)


@pytest.mark.parametrize("id", ["qmix", "kalei", "k24", "k24-described", "k24-magnitude", "k24-static", "vdn"])
def test_an_update_waits_for_nothing(id: str) -> None:
    made = on_meta(id)
    with NoWaiting() as seen:
        episodes = drawn(META)
        sampled = seen.crossings
        made.update(episodes, 0)
        result = made.update(episodes, 0)  # this one copies the weights into the target networks
    assert sampled > 0
    assert seen.crossings > sampled
    assert torch.as_tensor(result["loss"]).device == META


def test_a_batch_is_moved_but_for_what_sizes_are_read_from() -> None:
    episodes = drawn(META)
    stay = {f.name for f in dataclasses.fields(episodes) if getattr(episodes, f.name).device != META}
    assert stay == {"filled", "unit_type"}


def test_waiting_is_noticed() -> None:
    x = torch.ones(3)
    with pytest.raises(AssertionError, match="is waited for"), NoWaiting():
        x.to(META)
    with pytest.raises(RuntimeError), NoWaiting():
        x.to(META, non_blocking=True).sum().item()
    with pytest.raises(NotImplementedError), NoWaiting():
        x.to(META, non_blocking=True).cpu()
    with pytest.raises((RuntimeError, NotImplementedError)), NoWaiting():
        x.to(META, non_blocking=True).nonzero()
