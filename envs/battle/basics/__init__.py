"""What rules and walking share: sets of units, distances, random numbers, orders."""
