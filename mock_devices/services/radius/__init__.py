"""The rlm_sql database of a FreeRADIUS 3.2 server."""
