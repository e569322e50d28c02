"""Files of events through the same step: the source, the run, and the histograms on request."""
