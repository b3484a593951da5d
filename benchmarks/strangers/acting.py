"""Agents with a memory. The world is gymnasium's pole on a cart."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from strangers.program import Program, Ran, timed, weights

WORLD = "CartPole-v1"


def sb3_contrib(steps: int) -> Ran:
    """A policy and a critic, each with an LSTM."""
    from sb3_contrib import RecurrentPPO

    model = RecurrentPPO("MlpLstmPolicy", WORLD, seed=0, device="cpu")
    return timed(lambda: model.learn(steps), lambda: weights(model.policy))


def tianshou(updates: int) -> Ran:
    """The library's recurrent Q network over stacked observations, as in its own test."""
    import gymnasium
    from tianshou.algorithm.algorithm_base import policy_within_training_step
    from tianshou.algorithm.modelfree.dqn import DQN, DiscreteQLearningPolicy
    from tianshou.algorithm.optim import AdamOptimizerFactory
    from tianshou.data import Collector, VectorReplayBuffer
    from tianshou.env import DummyVectorEnv
    from tianshou.utils.net.common import Recurrent

    np.random.seed(1)
    torch.manual_seed(1)
    worlds = DummyVectorEnv([lambda: gymnasium.make(WORLD) for _ in range(8)])
    worlds.seed(1)
    network = Recurrent(layer_num=2, state_shape=(4,), action_shape=2)
    space: Any = gymnasium.make(WORLD).action_space
    space.seed(1)
    policy = DiscreteQLearningPolicy(model=network, action_space=space, eps_training=0.1)
    agent = DQN(
        policy=policy,
        optim=AdamOptimizerFactory(lr=1e-3),
        gamma=0.95,
        n_step_return_horizon=4,
        target_update_freq=320,
    )
    memory = VectorReplayBuffer(20000, buffer_num=8, stack_num=4, ignore_obs_next=True)
    collector = Collector(agent, worlds, memory, exploration_noise=True)
    collector.reset()

    def learn() -> None:
        collector.collect(n_step=1024)
        for _ in range(updates):
            collector.collect(n_step=8)
            with policy_within_training_step(agent.policy):
                agent.update(buffer=memory, sample_size=128)

    return timed(learn, lambda: weights(network))


def torchrl(updates: int) -> Ran:
    """The library's LSTM in a Q network over pieces of its own play, as in its tutorial."""
    from tensordict.nn import TensorDictModule, TensorDictSequential
    from torchrl.collectors import Collector
    from torchrl.envs import (
        Compose,
        ExplorationType,
        InitTracker,
        StepCounter,
        TransformedEnv,
        set_exploration_type,
    )
    from torchrl.envs.libs.gym import GymEnv
    from torchrl.modules import MLP, LSTMModule, QValueModule, set_recurrent_mode
    from torchrl.objectives import DQNLoss

    torch.manual_seed(1)
    np.random.seed(1)
    memory = LSTMModule(input_size=4, hidden_size=128, in_key="observation", out_key="remembered")
    world = TransformedEnv(
        GymEnv(WORLD, device="cpu"),
        Compose(InitTracker(), StepCounter(), memory.make_tensordict_primer()),
    )
    world.set_seed(1)
    values = TensorDictModule(
        MLP(128, 2, num_cells=[64]), in_keys=["remembered"], out_keys=["action_value"]
    )
    policy = TensorDictSequential(memory, values, QValueModule(spec=world.action_spec))
    loss = DQNLoss(policy, action_space=world.action_spec, delay_value=False)
    adam = torch.optim.Adam(policy.parameters(), lr=3e-4)
    play = Collector(world, policy, frames_per_batch=200, total_frames=200 * updates, device="cpu")

    def learn() -> None:
        with set_exploration_type(ExplorationType.DETERMINISTIC):
            for piece in play:
                with set_recurrent_mode(True):
                    found = loss(piece.unsqueeze(0))["loss"]
                adam.zero_grad()
                found.backward()
                adam.step()
        play.shutdown()

    return timed(learn, lambda: weights(policy))


PROGRAMS = [
    Program(
        "sb3-contrib",
        "RecurrentPPO",
        "2 LSTMs of 256, one step a call, steps: {}",
        sb3_contrib,
        steps=512,
    ),
    Program(
        "tianshou", "DQN, Recurrent", "2 layers of 128, batch 128 of 4, updates: {}", tianshou, 50
    ),
    Program("torchrl", "DQN, LSTMModule", "1 layer of 128, 200 steps, updates: {}", torchrl, 10),
]
