"""Values that the chart is rendered with."""

from __future__ import annotations

from typing import Any

Values = dict[str, Any]

MAPPED = """\
source: {type: kafka, brokers: [kafka:9092], topics: [gateway-log]}
systems:
  - id: churn
    owner: crm
    purpose: Offer a discount to customers who are about to leave
    models:
      - {name: churn, task: binary, classes: [NO, YES], positive: YES, columns: {tenure: number}}
limits: {max_pending_labels: 1000000}
"""

KEYS: Values = {
    "source": {"type": "kafka", "brokers": ["kafka:9092"], "topics": ["predictions"]},
    "systems": [
        {
            "id": "loans",
            "owner": "credit",
            "purpose": "Say which loans to look at",
            "models": [{"name": "risk", "task": "regression", "columns": {"income": "number"}}],
        }
    ],
    "limits": {"max_pending_labels": 1_000_000},
}

MINIMAL: Values = {"settings": KEYS}

EVERYTHING: Values = {
    "settings": MAPPED,
    "image": {"repository": "registry.example/wachter", "tag": "0.1.0-full", "pullSecrets": ["pull"]},
    "files": {"configMaps": ["references"], "secrets": ["broker-ca"]},
    "environment": {"WACHTER_SOURCE__GROUP": "blue", "WACHTER_STATE__HISTORY_DAYS": 30},
    "existingSecret": "wachter-secrets",
    "replicas": 2,
    "state": {"size": "50Gi", "storageClass": "fast"},
    "serviceAccount": {"annotations": {"example.org/role": "wachter"}},
    "service": {"annotations": {"example.org/team": "ml"}},
    "monitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "rules": {"enabled": True, "labels": {"release": "prometheus"}, "incidents": True},
    "dashboards": {"enabled": True, "annotations": {"folder": "Models"}},
    "networkPolicy": {
        "enabled": True,
        "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
        "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 9092, "protocol": "TCP"}]}],
    },
    "podDisruptionBudget": {"enabled": True},
}

PLACED: Values = {
    "settings": KEYS,
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "models", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}},
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "priorityClassName": "monitoring",
    "runtimeClassName": "gvisor",
    "podLabels": {"team": "ml"},
    "podAnnotations": {"note": "watched"},
    "extraVolumes": [{"name": "share", "persistentVolumeClaim": {"claimName": "checkpoints"}}],
    "extraVolumeMounts": [{"name": "share", "mountPath": "/share"}],
}

STANDALONE: dict[str, Values] = {
    "minimal": MINIMAL,
    "settings as text": {"settings": MAPPED},
    "settings that begin with a remark": {"settings": f"\n   # ours\n{MAPPED}"},
    "everything": EVERYTHING,
    "placed": PLACED,
    "what exists": {
        "existingSettings": "our-settings",
        "state": {"kind": "existing", "existingClaim": "our-state"},
        "serviceAccount": {"create": False, "name": "our-account"},
    },
    "ephemeral": {"settings": KEYS, "state": {"kind": "ephemeral", "size": "1Gi"}},
    "TLS and users": {
        "settings": KEYS,
        "webConfig": {"existingSecret": "web", "tls": True},
        "monitor": {
            "enabled": True,
            "authorization": {"basicAuth": {"username": {"name": "web", "key": "user"}}},
        },
    },
    "TLS on IPv6": {
        "settings": KEYS,
        "listen": {"host": "::"},
        "webConfig": {"existingSecret": "web", "tls": True},
    },
    "pod monitor": {"settings": KEYS, "monitor": {"enabled": True, "kind": "PodMonitor"}},
}

SIDECAR: dict[str, Values] = {
    "ephemeral": {"settings": KEYS},
    "claim of the pod": {
        "settings": MAPPED,
        "state": {"kind": "pod"},
        "sidecar": {"gatesReadiness": True},
        "monitor": {"enabled": True, "kind": "PodMonitor", "podSelector": {"app": "model"}},
        "rules": {"enabled": True},
        "dashboards": {"enabled": True},
        "existingSecret": "wachter-secrets",
    },
    "existing claim": {"settings": KEYS, "state": {"kind": "existing", "existingClaim": "our-state"}},
}

EFFECTS: dict[str, tuple[Any, Values]] = {
    "mode": ("sidecar", MINIMAL),
    "nameOverride": ("watcher", MINIMAL),
    "fullnameOverride": ("the-watcher", MINIMAL),
    "image.repository": ("registry.example/wachter", MINIMAL),
    "image.tag": ("0.1.0-full", MINIMAL),
    "image.pullPolicy": ("Always", MINIMAL),
    "image.pullSecrets": (["pull"], MINIMAL),
    "settings": (MAPPED, MINIMAL),
    "existingSettings": ("ours", {}),
    "files.configMaps": (["references"], MINIMAL),
    "files.secrets": (["broker-ca"], MINIMAL),
    "environment": ({"WACHTER_STATE__MAX_JOIN_BYTES": 1_000_000, "WACHTER_SOURCE__GROUP": "1e3"}, MINIMAL),
    "existingSecret": ("secrets", MINIMAL),
    "listen.host": ("::", MINIMAL),
    "listen.port": (9999, MINIMAL),
    "webConfig.existingSecret": ("web", MINIMAL),
    "webConfig.tls": (True, {**MINIMAL, "webConfig": {"existingSecret": "web"}}),
    "replicas": (3, MINIMAL),
    "state.kind": ("ephemeral", MINIMAL),
    "state.size": ("5Gi", MINIMAL),
    "state.storageClass": ("fast", MINIMAL),
    "state.existingClaim": ("ours", {**MINIMAL, "state": {"kind": "existing", "existingClaim": "theirs"}}),
    "resources": ({"limits": {"memory": "1Gi"}}, MINIMAL),
    "probes.startup": ({"periodSeconds": 3}, MINIMAL),
    "probes.liveness": ({"failureThreshold": 9}, MINIMAL),
    "probes.readiness": ({"timeoutSeconds": 9}, MINIMAL),
    "terminationGracePeriodSeconds": (60, MINIMAL),
    "service.type": ("NodePort", MINIMAL),
    "service.annotations": ({"a": "b"}, MINIMAL),
    "serviceAccount.create": (False, MINIMAL),
    "serviceAccount.name": ("account", MINIMAL),
    "serviceAccount.annotations": ({"a": "b"}, MINIMAL),
    "monitor.enabled": (True, MINIMAL),
    "monitor.kind": ("PodMonitor", {**MINIMAL, "monitor": {"enabled": True}}),
    "monitor.labels": ({"a": "b"}, {**MINIMAL, "monitor": {"enabled": True}}),
    "monitor.interval": ("30s", {**MINIMAL, "monitor": {"enabled": True}}),
    "monitor.scrapeTimeout": ("5s", {**MINIMAL, "monitor": {"enabled": True}}),
    "monitor.podSelector": ({"app": "model"}, {**MINIMAL, "monitor": {"enabled": True}}),
    "monitor.authorization": (
        {"authorization": {"type": "Bearer", "credentials": {"name": "web", "key": "token"}}},
        {**MINIMAL, "monitor": {"enabled": True}},
    ),
    "rules.enabled": (True, MINIMAL),
    "rules.labels": ({"a": "b"}, {**MINIMAL, "rules": {"enabled": True}}),
    "rules.agent": (False, {**MINIMAL, "rules": {"enabled": True}}),
    "rules.objectives": (False, {**MINIMAL, "rules": {"enabled": True}}),
    "rules.incidents": (True, {**MINIMAL, "rules": {"enabled": True}}),
    "dashboards.enabled": (True, MINIMAL),
    "dashboards.labels": ({"a": "b"}, {**MINIMAL, "dashboards": {"enabled": True}}),
    "dashboards.annotations": ({"a": "b"}, {**MINIMAL, "dashboards": {"enabled": True}}),
    "networkPolicy.enabled": (True, MINIMAL),
    "networkPolicy.from": (
        [{"podSelector": {"matchLabels": {"a": "b"}}}],
        {**MINIMAL, "networkPolicy": {"enabled": True}},
    ),
    "networkPolicy.egress": ([{"ports": [{"port": 9092}]}], {**MINIMAL, "networkPolicy": {"enabled": True}}),
    "podDisruptionBudget.enabled": (True, MINIMAL),
    "podDisruptionBudget.maxUnavailable": (2, {**MINIMAL, "podDisruptionBudget": {"enabled": True}}),
    "podLabels": ({"a": "b"}, MINIMAL),
    "podAnnotations": ({"a": "b"}, MINIMAL),
    "nodeSelector": ({"a": "b"}, MINIMAL),
    "tolerations": ([{"operator": "Exists"}], MINIMAL),
    "affinity": ({"podAntiAffinity": {}}, MINIMAL),
    "topologySpreadConstraints": (PLACED["topologySpreadConstraints"], MINIMAL),
    "priorityClassName": ("high", MINIMAL),
    "runtimeClassName": ("gvisor", MINIMAL),
    "extraVolumes": ([{"name": "share", "emptyDir": {}}], MINIMAL),
    "extraVolumeMounts": ([{"name": "wachter-state", "mountPath": "/again"}], MINIMAL),
}
"""What a value is changed to, beside which others. ``sidecar.gatesReadiness`` acts in the pods of others, tested there."""

REFUSED: dict[str, tuple[Values, str]] = {
    "nothing to watch": ({}, "nothing is watched"),
    "two sources of settings": ({**MINIMAL, "existingSettings": "ours"}, "exclude each other"),
    "an unknown key": ({**MINIMAL, "replica": 2}, "additional properties 'replica' not allowed"),
    "a name that no object may have": ({**MINIMAL, "fullnameOverride": "Watcher_1"}, "'/fullnameOverride'"),
    "an unknown mode": ({**MINIMAL, "mode": "daemon"}, "'/mode'"),
    "a privileged port": ({**MINIMAL, "listen": {"port": 80}}, "'/listen/port'"),
    "a variable that is none": ({**MINIMAL, "environment": {"HOME": "/"}}, "'HOME' does not match"),
    "an existing claim without a name": ({**MINIMAL, "state": {"kind": "existing"}}, "needs the name of a claim"),
    "one claim for two": (
        {**MINIMAL, "replicas": 2, "state": {"kind": "existing", "existingClaim": "one"}},
        "each of several replicas needs its own",
    ),
    "the claim of a pod that is not there": ({**MINIMAL, "state": {"kind": "pod"}}, "is for a sidecar"),
    "a service monitor beside a model": (
        {**MINIMAL, "mode": "sidecar", "monitor": {"enabled": True}},
        "a sidecar has no service",
    ),
    "a monitor that selects nothing": (
        {**MINIMAL, "mode": "sidecar", "monitor": {"enabled": True, "kind": "PodMonitor"}},
        "must name the labels of the model's pods",
    ),
    "a grace period that a stop may exceed": (
        {**MINIMAL, "terminationGracePeriodSeconds": 5},
        "'/terminationGracePeriodSeconds'",
    ),
}
