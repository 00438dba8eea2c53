"""The earlier name of ``harness.baselines``; kept so that commands written down before still work."""

from harness.baselines import main

if __name__ == "__main__":
    raise SystemExit(main())
