"""The stand-in's answers in the game's messages: observations, facts about the map, orders, queries, debug commands."""
