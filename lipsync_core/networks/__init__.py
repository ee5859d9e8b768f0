"""What every plugin with a torch network shares: device, memory, folding. The core needs none of it."""
