"""TWAMP-light (RFC 5357 appendix I) and STAMP (RFC 8762): packets, sender, reflector, judgement."""
