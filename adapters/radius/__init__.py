"""FreeRADIUS rlm_sql tables in any SQL database."""
