"""Phases that kill, stop and restart processes."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.campaign.work import STUDY, Campaign, check_whole, compare, finish, start, undisturbed
from studies.db.errors import StorageError
from studies.store import study_names


def kill_at_commits(campaign: Campaign) -> None:
    """SIGKILL before the first, second, third … COMMIT of a comparison, until one ends before it is met."""
    expected = undisturbed(campaign)
    at = 0
    while campaign.goes_on or at == 0:
        at += 1
        folder = campaign.new_folder()
        code = finish(campaign, start(compare(folder), folder / "log.txt", kill_at=at), f"commit {at}")
        if code != -signal.SIGKILL:
            campaign.counts["commit points in all"] = at - 1
            return
        campaign.counts["kills"] += 1
        check_whole(campaign, folder, expected, f"killed before commit {at}")


def kill_at_random(campaign: Campaign) -> None:
    """SIGKILL at random moments, several times to one comparison."""
    expected = undisturbed(campaign, "--seeds", "2")
    while campaign.goes_on:
        folder = campaign.new_folder()
        for _ in range(3):
            process = start(compare(folder, "--seeds", "2"), folder / "log.txt")
            time.sleep(campaign.random.uniform(1.0, 12.0))
            if process.poll() is None:
                process.kill()
                campaign.counts["kills"] += 1
            process.wait()
        campaign.counts["comparisons"] += 1
        check_whole(campaign, folder, expected, "killed at random", "--seeds", "2")


def send_signals(campaign: Campaign) -> None:
    """SIGINT and SIGTERM, once, twice or more, at random moments: a clean end, and nothing left ``running``."""
    expected = undisturbed(campaign)
    while campaign.goes_on:
        folder = campaign.new_folder()
        process = start(compare(folder), folder / "log.txt")
        time.sleep(campaign.random.uniform(0.5, 9.0))
        sent = [
            campaign.random.choice((signal.SIGINT, signal.SIGTERM)) for _ in range(campaign.random.choice((1, 2, 3)))
        ]
        for number in sent:
            if process.poll() is None:
                process.send_signal(number)
                campaign.counts["signals"] += 1
            time.sleep(campaign.random.uniform(0.0, 0.3))
        code = finish(campaign, process, f"signals {sent}")
        campaign.counts[f"exit code {code}"] += 1
        check_whole(campaign, folder, expected, f"signals {[each.name for each in sent]}")


def stop_and_continue(campaign: Campaign) -> None:
    """SIGSTOP, the same command beside it, SIGCONT: each run is done exactly once."""
    expected = undisturbed(campaign, "--seeds", "2")
    while campaign.goes_on:
        folder = campaign.new_folder()
        first = start(compare(folder, "--seeds", "2", "--no-wait"), folder / "first.txt")
        time.sleep(campaign.random.uniform(3.0, 8.0))
        if first.poll() is None:
            first.send_signal(signal.SIGSTOP)
            campaign.counts["stopped"] += 1
        second = start(compare(folder, "--seeds", "2"), folder / "second.txt")
        time.sleep(campaign.random.uniform(2.0, 8.0))
        first.send_signal(signal.SIGCONT)
        finish(campaign, first, "continued")
        finish(campaign, second, "beside a stopped one")
        campaign.counts["comparisons"] += 1
        check_whole(campaign, folder, expected, "stopped and continued", "--seeds", "2")


def six_workers(campaign: Campaign, storage: str | None = None, restart: object = None) -> None:
    """Six workers of one study, some of them killed; a server is restarted under them."""
    expected = undisturbed(campaign, "--seeds", "6")
    while campaign.goes_on:
        folder = campaign.new_folder()
        where = storage or f"sqlite:///{folder}/s.db"
        queue = start(compare(folder, "--seeds", "6", storage=storage), folder / "log.txt")
        wait_for_runs(where, queue)
        worker = ["harness.worker", "--storage", where, "--study", STUDY]
        worker += ["--out", str(folder / "runs"), "--device", "cpu"]
        workers = [start(worker, folder / f"worker-{number}.txt") for number in range(5)]
        until = time.monotonic() + 40
        while time.monotonic() < until and any(each.poll() is None for each in (queue, *workers)):
            time.sleep(campaign.random.uniform(2.0, 6.0))
            if callable(restart):
                restart(campaign.random.uniform(0.0, 1.0))
                campaign.counts["restarts of the server"] += 1
            elif alive := [each for each in workers if each.poll() is None]:
                campaign.random.choice(alive).kill()
                campaign.counts["kills"] += 1
        for each in (queue, *workers):
            code = finish(campaign, each, "six workers")
            if callable(restart) and code not in (0, 1):
                last = last_lines(folder)
                campaign.fault(f"a process ended with exit code {code} when the server was restarted: {last}")
        for log in folder.glob("*.txt"):
            campaign.check_output(log, f"six workers, {log.name}")
        campaign.counts["comparisons"] += 1
        check_whole(campaign, folder, expected, "six workers", "--seeds", "6", storage=storage)
        if storage:
            return  # the database of a server is one for all rounds


def wait_for_runs(storage: str, queue: subprocess.Popen[bytes]) -> None:
    """Wait until a comparison has asked for its runs: before that a worker finds no study and says so."""
    while queue.poll() is None:
        with suppress(StorageError):
            if STUDY in study_names(storage):
                return
        time.sleep(0.5)


def last_lines(folder: Path) -> str:
    """The end of what each process of a round said."""
    logs = sorted(folder.glob("*.txt"))
    return "; ".join(f"{log.name}: …{log.read_text(encoding='utf-8', errors='replace')[-300:]}" for log in logs)


def six_workers_restarted(campaign: Campaign) -> None:
    """The same on PostgreSQL, restarted again and again in the midst of transactions."""
    try:
        from tests.studies.server import programs, server
    except ImportError:
        return
    if programs() is None:
        return
    with server() as (url, restart):
        six_workers(campaign, url, restart)
