"""Looks at the dashboards: a live agent's history, in a real Prometheus, drawn by Grafana's own components in Chromium.

    python -m deploy.build.draw [--out DIRECTORY]      needs Node, npm, Chromium, Prometheus and promtool

    scene.py       a live agent over the demo's flights, with what the demo leaves out: groups, latency, receivers, trouble
    record.py      its /metrics while they pass, as a history at the flights' own times
    server.py      serves the page, and stands for a receiver
    tsdb.py        that history in a real Prometheus
    browser.py     bundle (esbuild), pages, pictures (headless Chromium)
    draw.jsx       reads a dashboard's JSON, asks Prometheus, draws its panels

A tool for checking; nothing of it is shipped. Grafana publishes most of its panels as components, but not the state
timeline and the status history: their cells are laid out here, and coloured and labelled by Grafana's field settings.
"""
