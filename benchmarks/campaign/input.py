"""Phases that give senseless input: command lines, options of worlds, messages to the stand-in server."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import warnings
from collections.abc import Callable

import envs.registry
from benchmarks.campaign.work import Campaign
from harness.cli.errors import UsageError
from harness.flags import compare as compare_args
from harness.flags import tune as tune_args
from studies.db.errors import StorageError
from studies.db.storage_url import parse_storage_url

FLAGS = (  # noqa: SIM905  (words are read more easily than a list of them)
    "--algos --scenarios --seeds --budget --env-steps --set --config --preset --storage --study --device --out "
    "--num-envs --backend --checkpoint-replay --n-jobs --report --deterministic --json --no-wait --import --algo "
    "--scenario --trials --search --heartbeat --seed"
).split()
WORDS = (  # noqa: SIM905
    "k24 qmix kalei vdn 3m MMM terran_5_vs_5 smoke quick 0 1 2 -1 1e9 18446744073709551616 nan inf k24.div_coef=0.2 "
    "env.conic_fov=true env.=1 =1 k24.= 0.1:0.5 0.5:0.1:log cpu cuda:99 sc2 battle auto sqlite:///x.db http://[::1 "
    "postgresql:// ../.. / . .. ü, {a:b} [1] qmix.yaml K24_qmix_rnn_1R3.yaml micro no yes full none os sys"
).split()
ODD: tuple[object, ...] = (
    *(None, "", "x", b"x", 0, 1, -1, 2**31, 2**64, 10**9, 1.5, -0.0, float("nan"), float("inf"), [], {}, (), True),
)
"""Values that an option may be given by mistake."""


def command_lines(campaign: Campaign) -> None:
    """Random flags and words, read by both commands that train; nothing is trained."""
    readers: tuple[Callable[[list[str]], object], ...] = (compare_args.read_flags, tune_args.read_flags)
    while campaign.goes_on:
        for _ in range(100):
            argv = [
                campaign.random.choice(FLAGS) if campaign.random.random() < 0.5 else _word(campaign)
                for _ in range(campaign.random.randrange(1, 9))
            ]
            campaign.counts["command lines"] += 1
            try:
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    read = campaign.random.choice(readers)(argv)
                    parse_storage_url(getattr(read, "storage", "sqlite:///x.db"))
                campaign.counts["understood"] += 1
            except (UsageError, StorageError):
                campaign.counts["answered"] += 1
            except BaseException as error:
                campaign.fault(f"{argv}: {type(error).__name__}: {error}")


def _word(campaign: Campaign) -> str:
    if campaign.random.random() < 0.8:
        return campaign.random.choice(WORDS)
    return "".join(chr(campaign.random.randrange(1, 0x2100)) for _ in range(campaign.random.choice((1, 5, 400))))


def world_options(campaign: Campaign) -> None:
    """Every option of the built-in worlds with values of any kind: taken, or refused by an error that names it."""
    names = [field.name for field in dataclasses.fields(envs.registry.options_class("3m"))]
    while campaign.goes_on:
        for _ in range(100):
            name, value = campaign.random.choice(names), campaign.random.choice(ODD)
            campaign.counts["options"] += 1
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    envs.registry.make_options("3m", {name: value})
                campaign.counts["taken"] += 1
            except (ValueError, TypeError) as error:
                campaign.counts["answered"] += 1
                if name not in str(error):
                    campaign.fault(f"{name}={value!r}: the error does not name the option: {error}")
            except BaseException as error:
                campaign.fault(f"{name}={value!r}: {type(error).__name__}: {error}")


def messages(campaign: Campaign) -> None:
    """Send random bytes and damaged requests to the stand-in game; each is answered."""
    try:
        from s2clientprotocol import sc2api_pb2

        from tests.sc2.test_fuzz import sensible, session
    except ImportError:
        return
    playing = session()
    seeds = [request.SerializeToString() for request in sensible()]
    while campaign.goes_on:
        for _ in range(200):
            message = bytearray(campaign.random.choice(seeds))
            for _ in range(campaign.random.randrange(1, 6)):
                place = campaign.random.randrange(len(message) + 1)
                message[place : place + campaign.random.randrange(2)] = bytes([campaign.random.randrange(256)])
            campaign.counts["messages"] += 1
            try:
                reply = sc2api_pb2.Response.FromString(playing.answer(bytes(message)))
                campaign.counts["refused" if reply.error else "taken"] += 1
            except BaseException as error:
                campaign.fault(f"{bytes(message).hex()}: {type(error).__name__}: {error}")
