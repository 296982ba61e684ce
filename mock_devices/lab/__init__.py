"""The lab: topology, plant between the devices, their start and stop, and the control API."""
