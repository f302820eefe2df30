"""Events to what people and programs read."""
