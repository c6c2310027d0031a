"""Signatures as Binance checks them (section 3)."""

import base64
import binascii
import hmac
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def ws_payload(params: Mapping[str, str]) -> bytes:
    """What a WebSocket API request signs: every parameter but the signature, sorted by name, not encoded."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature").encode()


def rest_payload(query: str, body: str) -> bytes:
    """What a REST request signs: query and body as sent, joined by nothing, without the signature parameter."""
    return (_unsigned(query) + _unsigned(body)).encode()


def _unsigned(part: str) -> str:
    if "signature=" not in part:
        return part
    return "&".join(piece for piece in part.split("&") if not piece.startswith("signature="))


def hmac_fits(secret: str, payload: bytes, signature: str) -> bool:
    """Whether `signature` is the HMAC-SHA256 of `payload` in hexadecimal, in either case."""
    expected = hmac.digest(secret.encode(), payload, "sha256").hex()
    return hmac.compare_digest(expected.encode(), signature.lower().encode())


def ed25519_fits(key: Ed25519PublicKey, payload: bytes, signature: str) -> bool:
    """Whether `signature` is the Ed25519 signature of `payload` in base64."""
    try:
        key.verify(base64.b64decode(signature, validate=True), payload)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
