"""Import every algorithm of this package; each registers itself."""

from algorithms import qmix, kalei, k24, mappo, controls, registry  # noqa: F401, I001

registry.complete()
