"""StarCraft II as a world: the package ``smacv2`` on ``pysc2`` behind ``envs.protocol.BatchedEnv``.

Use it by ``envs.make(id, backend="sc2")``. One game runs in one worker process each; pysc2 and smacv2 are imported
there alone, and nothing here is imported until asked for.

    options       what can be chosen, and the package's own arguments for it
    installation  what has to be there         environment  the batch: lock-step, restarts
    process       a worker from outside        worker       a worker from inside
    patches       the package without faults   tether       no game outlives its parent
    server        a program that replaces the game
"""
