"""How far a model is from equivariant: any callable, measured by a group or by its Lie derivative."""
