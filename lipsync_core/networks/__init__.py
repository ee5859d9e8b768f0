"""What plugins with a torch network share: precision, device, memory, blocks. The core needs none of it."""
