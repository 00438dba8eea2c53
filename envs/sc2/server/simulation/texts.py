"""Texts in messages: a client, a replay or a map file may hold some that are not UTF-8."""

from __future__ import annotations

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message


def read_texts(message: Message) -> None:
    """Read every field once: protobuf decodes texts only when they are read.

    Raises:
        UnicodeDecodeError, DecodeError: a text is not UTF-8.
    """
    for field, value in message.ListFields():
        for part in value if field.is_repeated else (value,):
            if field.message_type is not None:
                read_texts(part)
            elif field.type == FieldDescriptor.TYPE_STRING and not isinstance(part, str):
                raise DecodeError(f"{field.full_name} is not UTF-8")
