"""``--import tests.harness.fake_plugin``: the fake world and the rule, for commands in processes of their own."""

import tests.no_waiting  # noqa: F401
from tests.harness.fake_algorithm import register_rule
from tests.harness.fake_env import register_fake

register_fake()
register_rule()
