"""What the tree promises about itself, checked: sizes, names, purity, cycles, the gateway."""
