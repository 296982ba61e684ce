"""The ledger: effects per device, site and path; planning against them; device transactions."""
