"""Statistics of runs: one file for each idea.

``by_seeds`` which interval for how many seeds · ``closed_form`` Wilson over battles, t over a few seeds ·
``bootstrap`` resampling of seeds · ``aggregates`` IQM, median, mean, optimality gap, profiles and curves ·
``improvement`` probability of improvement · ``paired`` differences on the same battles, in numbers and in words.
"""
