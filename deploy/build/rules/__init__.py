"""Prometheus rules: recording rules, alerts, and the promtool cases that prove them, written as plain YAML.

    python -m deploy.build.rules [--runbooks BASE] [--output DIRECTORY]

    promql.py      selectors of declared families: a name or a label that nobody exports stops the build
    rule.py        what a rule, a group and a file are
    trial.py       the cases of an alert: fires, waits for its ``for``, stays quiet
    burning.py     objectives as burn rates over several windows
    render.py      to YAML

    presence.py, consuming.py, evidence.py, keeping.py, telling.py    about the agent
    objectives.py                                                     about events
    incidents.py                                                      about models

Three files come out. ``wachter-agent`` and ``wachter-objectives`` are for everybody; ``wachter-incidents`` is only for those
who do not let the agent push incidents to Alertmanager, so that a model never pages twice.
"""
