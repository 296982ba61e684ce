"""Resources of the network: what there is, who holds what, and who may have it next."""
