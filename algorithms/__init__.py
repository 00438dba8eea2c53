"""Learners; they import ``envs.spec`` and ``common`` only.

The methods stand on top (``qmix.py``, ``kalei.py``, ``k24.py``, ``mappo.py``), with their list (``registry.py``) and
what each has to offer (``protocol.py``). ``network/`` is the agent network, ``q_learning/`` what else QMIX is made of,
``replay/`` the memory of episodes, ``sparsity/`` masks, ``controls/`` what a reviewer would compare with, ``settings/``
PyMARL's files and names. ``kernels/`` makes things fast and changes no result.

Importing this package imports no algorithm and no torch: ``registry`` imports all of them when the first row is
needed, and answers lists of names without before.
"""
