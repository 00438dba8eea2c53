"""What QMIX and its kin share: agent network, mixer, TD(λ) targets, schedules and the learner itself."""
