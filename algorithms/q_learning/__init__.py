"""What QMIX and its kin share: mixer, TD(λ) targets, schedules and the learner itself."""
