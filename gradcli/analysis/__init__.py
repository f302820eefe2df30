"""What can be said of a recorded graph: its picture, the derivation of its gradients, and whether they're right."""
