"""Errors of a study's database."""

from __future__ import annotations


class StorageError(ValueError):
    """The study's database cannot be used as asked; the message says what was found and what to type next."""


class ContentError(ValueError):
    """A database holds what this program does not store; the message says where and what."""


class ConnectionLost(StorageError):
    """The server interrupted a transaction, of which nothing is stored; the same work may be begun again."""


class RunTakenOver(StorageError):
    """Another process continues this run, since this one missed its heartbeats for too long."""
