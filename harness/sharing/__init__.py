"""Trained policies for others: ``pack`` writes a folder, ``push`` uploads it to a hub of models, ``pull`` brings it."""
