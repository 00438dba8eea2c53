"""What each command is asked: its flags, read and checked, and the runs that they mean."""
