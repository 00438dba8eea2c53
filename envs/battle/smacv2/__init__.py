"""The package smacv2's part: observations, state, masks, orders, reward, scripted play."""
