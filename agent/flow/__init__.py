"""The way of an event through memory, from decoded columns to judged windows.

buffer          what was read ahead and waits
pipeline        the order of it: take, count, move the watermarks, close
event_time      how far it has come, and which partitions wait
cuts            where reading begins, and where records are missing
intake          late, duplicate, future
counting        accepted events into the tables of their streams
windowing       which windows are due
closing         measuring and judging what is due; whole_models: over all versions
contexts        what a model version is counted and judged by; declare, model_reference: from the settings
history         records of what was measured
incident_book   incidents as they are kept, and acts upon them
measuring       the sum of panes, seen by every detector
handover        the note for whoever takes over
watch           what the agent finds about its own input
"""
