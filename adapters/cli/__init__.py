"""Command lines over SSH, by scrapli or netmiko as the profile says."""
