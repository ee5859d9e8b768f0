"""Everything that is registered here keeps the contract: a new plugin adds rows, not a file of copies."""

from __future__ import annotations

from lipsync_core.testing import contract_tests

test_contract = contract_tests()
