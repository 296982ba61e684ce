"""What the gateway knows of platforms: data and pure code, no I/O but its own files."""
