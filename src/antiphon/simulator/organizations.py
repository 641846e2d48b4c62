"""Whose request it is: every key belongs to an organization."""

import hashlib
from collections.abc import Iterable, Mapping

from antiphon.simulator.errors import ApiError

ID_CHARS = 12


class Organizations:
    def __init__(self, bad_keys: Iterable[str], named: Mapping[str, str]) -> None:
        """`named` is key → organization; any other key has one of its own."""
        self._bad_keys = frozenset(bad_keys)
        self._named = dict(named)

    def of(self, headers: Mapping[str, str]) -> str:
        """The organization of a request.

        Raises:
            ApiError: 401: there is no key, or a bad one.
        """
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")
        if not key or key in self._bad_keys:
            raise ApiError(401, "invalid x-api-key" if key else "x-api-key header is required")
        return self._named.get(key) or f"org_sim_{hashlib.sha256(key.encode()).hexdigest()[:ID_CHARS]}"
