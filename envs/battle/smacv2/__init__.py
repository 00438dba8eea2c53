"""What the package smacv2 computes from the game: observations, masks, orders, reward, scripted play."""
