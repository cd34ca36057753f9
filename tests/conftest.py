"""What all tests share: a private place for runs, one thread for linear algebra, property tests without a clock."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# The machine may be busy: how long an example takes says nothing.
settings.register_profile("ssi-audit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ssi-audit")

# Before numpy is imported: several test processes on two cores would fight over threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def _private_runs(tmp_path_factory):
    """No test writes into the project's data/processed, nor do the kernels it starts."""
    from ssi_audit.workspace import PROCESSED_VARIABLE

    before = os.environ.get(PROCESSED_VARIABLE)
    os.environ[PROCESSED_VARIABLE] = str(tmp_path_factory.mktemp("processed"))
    yield
    if before is None:
        del os.environ[PROCESSED_VARIABLE]
    else:
        os.environ[PROCESSED_VARIABLE] = before
