"""Who runs which test where several processes do: servers are started once."""

from __future__ import annotations

from pathlib import PurePosixPath

from xdist.scheduler import LoadScopeScheduling

# The certified server knows the addresses of the Hub and of Binder's server, and the
# port of Binder's practice server is fixed: one process has all three.
_OF_ONE_PROCESS = {"test_binder", "test_environments", "test_hub"}
_WITH_A_SERVER_OF_THEIR_OWN = {"test_forwarding"}


class ByServers(LoadScopeScheduling):
    """Keep together what shares servers; the other tests go to whoever is free."""

    def _split_scope(self, nodeid):
        file = PurePosixPath(nodeid.partition("::")[0]).stem
        if file in _OF_ONE_PROCESS:
            return "the certified server"
        return file if file in _WITH_A_SERVER_OF_THEIR_OWN else nodeid
