"""Plugins with one fault each; the contract cases must catch every one."""
