"""StarCraft II and what stands in for it; nothing here is imported until asked for."""
