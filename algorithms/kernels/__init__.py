"""For speed only: nothing here changes a result, and a reader of the algorithms may skip it.

Each compiled pass does on a processor, in float32, what PyTorch does everywhere else (``compiled.compiled_for``). Tests
hold both equal, in values and in gradients.

=====================================  ==================================================================
compiled pass                          the same in PyTorch
=====================================  ==================================================================
``agent_pass``, ``agent_back``         ``network.agent_net``, ``network.gru``
``mixing_pass``                        ``q_learning.mixer``, ``q_learning.targets``
``pattern_pass``                       ``sparsity.pattern24``, ``sparsity.diversity``
=====================================  ==================================================================

``agent_kernels`` and ``mixer_kernels`` run the first two for ``QLearner``, ``batch`` is what they share. The rest
serves these: ``simd`` and ``tiles`` write products of small matrices, ``blocks`` and ``threads`` share sequences out
among cores, ``agent_layout`` and ``agent_inputs`` say where numbers lie.
"""
