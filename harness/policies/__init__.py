"""Policies that play: trained ones read from their files, and scripted ones; and the battles that evaluate them."""
