"""Parameters of a trial in the dashboard: algorithm, scenario and seed.

Optuna wants every trial of a study to draw a parameter from the same list of choices. A comparison grows: an algorithm
that joins later is added at the end of the list, in the trials that are there as well, which changes none of their
values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    IntDistribution,
    distribution_to_json,
    json_to_distribution,
)
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import TrialModel, TrialParamModel
from sqlalchemy import select, update
from sqlalchemy.orm import Session

NAMES = ("algorithm", "scenario", "seed")
MOST = 2**31 - 1
"""Greatest seed that is shown as a parameter."""


def parameters_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a trial that are its parameters."""
    return {name: attributes[name] for name in NAMES if name in attributes and attributes.get("seed", 0) <= MOST}


def distributions_for(storage: RDBStorage, study_id: int, parameters: Mapping[str, Any]) -> dict[str, BaseDistribution]:
    """Return a distribution for each parameter, the lists of the study's trials extended where a value is new.

    Args:
        storage: Optuna's, in our database.
        study_id: its number of the study.
        parameters: name -> value of the trial that is to be made.
    """
    return {
        name: IntDistribution(0, MOST) if isinstance(value, int) else _extended(storage, study_id, name, str(value))
        for name, value in parameters.items()
    }


def _extended(storage: RDBStorage, study_id: int, name: str, value: str) -> CategoricalDistribution:
    """The choices of a parameter with this value among them."""
    of_study = select(TrialModel.trial_id).where(TrialModel.study_id == study_id)
    here = (TrialParamModel.param_name == name, TrialParamModel.trial_id.in_(of_study))
    with Session(storage.engine) as session, session.begin():  # takes the write lock, as every transaction of it
        stored = session.scalar(select(TrialParamModel.distribution_json).where(*here).limit(1))
        known = None if stored is None else json_to_distribution(stored)
        if not isinstance(known, CategoricalDistribution):
            return CategoricalDistribution([value])
        if value in known.choices:
            return known
        longer = CategoricalDistribution([*known.choices, value])
        session.execute(
            update(TrialParamModel)
            .where(*here)
            .values(distribution_json=distribution_to_json(longer))
            .execution_options(synchronize_session=False)
        )
        return longer
