"""Phases that take away room and damage files."""

from __future__ import annotations

from benchmarks.campaign.work import Campaign, check_whole, compare, finish, run, start, undisturbed


def fill_disk(campaign: Campaign) -> None:
    """A limit on the size of files, met at another place each time; with room again the same command goes on."""
    expected = undisturbed(campaign)
    while campaign.goes_on:
        folder, size = campaign.new_folder(), campaign.random.choice((1, 20, 60, 120, 200, 300, 400, 600)) * 1000
        process = start(compare(folder), folder / "full.txt", largest_file=size)
        code = finish(campaign, process, f"files up to {size:,} bytes")
        campaign.counts["limits"] += 1
        campaign.counts[f"exit code {code}"] += 1
        campaign.check_output(folder / "full.txt", f"limit {size}")
        if code not in (0, 1, 2):
            campaign.fault(f"files up to {size:,} bytes: exit code {code}")
        check_whole(campaign, folder, expected, f"after files up to {size:,} bytes")


def damage_files(campaign: Campaign) -> None:
    """Flipped bytes and cut ends in every file that a comparison leaves; commands read them and answer in words."""
    folder = campaign.new_folder()
    run(campaign, compare(folder), folder / "log.txt", "to be damaged")
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix in (".pt", ".db")]
    (run_folder,) = {path.parent for path in files if path.suffix == ".pt"}
    commands = {
        "policy.pt": ["harness.watch", "--run", str(run_folder), "--out", str(folder / "a.gif"), "--every", "8"],
        "resume.pt": compare(folder),
        "s.db": ["harness.export", "--format", "csv", "--storage", f"sqlite:///{folder}/s.db", "--study", "campaign"],
    }
    while campaign.goes_on:
        path = campaign.random.choice(files)
        before = path.read_bytes()
        path.write_bytes(_damaged(campaign, before))
        code = run(campaign, commands[path.name], folder / "damaged.txt", f"damaged {path.name}")
        campaign.counts[f"damaged {path.name}"] += 1
        if code not in (0, 1, 2):
            campaign.fault(f"damaged {path.name}: exit code {code}")
        path.write_bytes(before)
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)


def _damaged(campaign: Campaign, content: bytes) -> bytes:
    kind = campaign.random.choice(("cut", "flip", "noise", "empty"))
    if kind == "cut":
        return content[: campaign.random.randrange(len(content))]
    if kind == "empty":
        return b""
    spoilt = bytearray(content)
    for _ in range(1 if kind == "flip" else 200):
        spoilt[campaign.random.randrange(len(spoilt))] = campaign.random.randrange(256)
    return bytes(spoilt)
