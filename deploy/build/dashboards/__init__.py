"""Grafana dashboards, built in Python and shipped as plain JSON in deploy/grafana/dashboards.

python -m deploy.build.dashboards [--output DIRECTORY]     needs grafana-foundation-sdk, see requirements/dashboards.in

scope.py       selectors of declared families, narrowed by the dashboard's variables
panels.py      the panels we use, in our style
tables.py      tables of several queries, and cells by column and time
board.py       a dashboard: variables, annotations, links, rows

fleet.py       every system and model: where to look first
model.py       one model version; its rows are performance.py, fairness.py, inputs.py and traffic.py
agent.py       the agent itself; its rows are flow.py and keeping.py
"""
