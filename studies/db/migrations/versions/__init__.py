"""One file for each version of the tables; none is changed once a program that writes it has been released."""
