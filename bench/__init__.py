"""The benchmarks: what Wachter costs, as ratios measured in one run. ``make bench`` runs all of them."""
