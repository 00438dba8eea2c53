"""Upload a trained policy to a hub of models, and download one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.values import checked
from harness.cli.errors import UsageError
from harness.sharing.package import FILES, copy_pack, find_row, pack
from studies.db.storage_url import DEFAULT_STORAGE


@checked(UsageError)
def push(
    run: str | Path, name: str, *, storage: str = DEFAULT_STORAGE, private: bool = False, token: str | None = None
) -> str:
    """Upload a trained policy with its settings, its result and a model card.

    Args:
        run: folder of a run, or its ``policy.pt``.
        name: ``USER/NAME`` on the hub; made where missing.
        storage: database with the result; without one the card says that it is unknown.
        private: whether a new one is private.
        token: ``None``: as huggingface_hub finds it (``hf auth login``, or ``HF_TOKEN``).

    Returns:
        Its address.

    Raises:
        UsageError: there is no such policy, huggingface_hub is not installed, or the hub refused.
    """
    with tempfile.TemporaryDirectory() as folder:
        packed = pack(run, folder, row=find_row(run, storage), name=name)
        with _hub(f"push to {name}") as library:
            hub = library.HfApi(token=token, endpoint=_endpoint())
            hub.create_repo(name, private=private, exist_ok=True)
            hub.upload_folder(
                repo_id=name, folder_path=packed, allow_patterns=list(FILES), commit_message="Add a policy"
            )
            return f"{hub.endpoint}/{name}"


@checked(UsageError)
def pull(name: str, folder: str | Path | None = None, *, revision: str | None = None, token: str | None = None) -> Path:
    """Download a policy; ``load_policy`` reads the folder.

    Args:
        name: ``USER/NAME`` on the hub.
        folder: where to copy it, in place of a policy that is there; ``None``: it stays in the hub's own cache.
        revision: a branch, tag or commit; ``None``: the newest.
        token: as of ``push``.

    Returns:
        The folder.

    Raises:
        UsageError: huggingface_hub is not installed, the hub has no such policy, or the folder holds other files.
    """
    with _hub(f"pull {name}") as library:
        cached = library.snapshot_download(
            name, revision=revision, allow_patterns=list(FILES), token=token, endpoint=_endpoint()
        )
    found = Path(cached)
    if not (found / FILES[0]).is_file():
        raise UsageError(f"{name} on the hub holds no {FILES[0]}; it was not made by k24 push")
    return found if folder is None else copy_pack(found, Path(folder))


def _endpoint() -> str | None:
    """The hub, read now: the library reads this variable once, when it is imported."""
    return os.environ.get("HF_ENDPOINT")


@contextmanager
def _hub(action: str) -> Iterator[Any]:
    """The library; its errors become ours."""
    try:
        import huggingface_hub
    except ImportError as error:
        raise UsageError(f"{action}: huggingface_hub is not installed. Type: pip install 'k24-harness[hub]'") from error
    try:
        yield huggingface_hub
    except Exception as error:  # its own errors, and those of its HTTP client, which is another one in each version
        message = " ".join(str(error).split())
        raise UsageError(f"{action} failed: {message}. Log in: hf auth login; another hub: HF_ENDPOINT=URL") from error
