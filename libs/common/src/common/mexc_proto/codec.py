"""The schema as message classes, and frames as messages.

The classes live in a pool of their own: MEXC's messages have no package, and other libraries in the same process
(ccxt among them) register the same bare names in protobuf's default pool, which refuses a second definition.
"""

from typing import Any, Final

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from common.mexc_proto.schema import BODIES, MESSAGES, WRAPPER, WRAPPER_FIELDS

_SCALARS: Final = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "bool": FieldDescriptorProto.TYPE_BOOL,
}


class UnreadablePush(ValueError):
    """A binary frame that is no `PushDataV3ApiWrapper`."""


def _add_field(message: DescriptorProto, line: str) -> FieldDescriptorProto:
    name, number, kind = line.split()
    field = message.field.add(name=name, number=int(number), label=FieldDescriptorProto.LABEL_OPTIONAL)
    if kind.endswith("*"):
        field.label = FieldDescriptorProto.LABEL_REPEATED
    if kind.endswith("?"):
        # A proto3 field with presence is, in a descriptor, the only member of a oneof that is called after it.
        field.proto3_optional = True
        field.oneof_index = len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{name}")
    kind = kind.rstrip("*?")
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{kind}"
    return field


def _describe() -> FileDescriptorProto:
    file = FileDescriptorProto(name="mexc_push.proto", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for line in filter(None, map(str.strip, fields.splitlines())):
            _add_field(message, line)
    wrapper = file.message_type.add(name=WRAPPER)
    wrapper.oneof_decl.add(name="body")
    for line in BODIES.strip().splitlines():
        _add_field(wrapper, line).oneof_index = 0
    # Oneofs of optional fields must come after the real ones.
    for line in WRAPPER_FIELDS.strip().splitlines():
        _add_field(wrapper, line)
    return file


_POOL: Final = DescriptorPool()
_POOL.Add(_describe())
Push: Final[Any] = GetMessageClass(_POOL.FindMessageTypeByName(WRAPPER))
"""Every binary frame is one of these; its class is made at import, so its fields are not known to type checkers."""


def decode(frame: bytes) -> Any:
    """The push in a binary frame; fields that we do not know are skipped. Raises: UnreadablePush."""
    push = Push()
    try:
        push.ParseFromString(frame)
    except DecodeError as error:
        raise UnreadablePush(str(error)) from None
    return push


def body_name(push: Any) -> str | None:
    """Which body a push carries (`privateOrders`, …), or None for one that is newer than the schema."""
    name: str | None = push.WhichOneof("body")
    return name
