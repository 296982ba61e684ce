"""The Kea control agent's JSON commands over HTTP."""
