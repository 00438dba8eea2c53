"""The harness from Python: train and compare, act with a trained policy, evaluate and share it, read a study.

    from harness.api import compare, evaluate, load_policy, open_study

    result = compare(algos=["k24", "qmix"], env_steps=50_000, seeds=2)
    print(result.table())
    policy = result.policy("k24", seed=0)
    print(evaluate(policy, battles=200))

``compare`` is the same as the command: the same study, the same checks, and what is done is not repeated. Mistakes
raise ``UsageError``, databases that cannot be used ``StorageError``: both are ``ValueError`` and say what came, what is
allowed and what to type next.
"""

from harness.api.comparison import Comparison, compare
from harness.api.evaluation import PolicyEvaluation, evaluate
from harness.api.policy import TrainedPolicy, load_policy
from harness.api.study import Study, open_study
from harness.cli.errors import UsageError
from harness.results.records import Records
from harness.sharing.hub import pull, push
from studies.db.errors import StorageError

__all__ = [
    "Comparison",
    "PolicyEvaluation",
    "Records",
    "StorageError",
    "Study",
    "TrainedPolicy",
    "UsageError",
    "compare",
    "evaluate",
    "load_policy",
    "open_study",
    "pull",
    "push",
]
