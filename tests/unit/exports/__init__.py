"""The reading stage: bytes → cells → rows → tables."""
