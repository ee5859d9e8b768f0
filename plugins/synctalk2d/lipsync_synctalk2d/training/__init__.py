"""Training a person: check the footage, prepare it, teach SyncNet and the U-Net, keep the best."""
