"""Pod Security "restricted", as https://kubernetes.io/docs/concepts/security/pod-security-standards/ lists its controls."""

from __future__ import annotations

from typing import Any

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def violations(pod: dict[str, Any]) -> list[str]:
    """What a pod's spec does that "restricted" forbids."""
    found = [f"{key} is set" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]
    for volume in pod.get("volumes", ()):
        found += [f"volume {volume['name']} is a {kind}" for kind in set(volume) - {"name"} - VOLUMES]
    for container in [*pod.get("initContainers", ()), *pod["containers"]]:
        found += [f"{container['name']}: {said}" for said in of_container(container, pod.get("securityContext", {}))]
    return found


def of_container(container: dict[str, Any], pod: dict[str, Any]) -> list[str]:
    """What one container does that "restricted" forbids; what it leaves out, the pod may say."""
    own = container.get("securityContext", {})
    both = {**pod, **own}
    capabilities = own.get("capabilities", {})
    rules = {
        "privileged": not own.get("privileged"),
        "may gain privileges": own.get("allowPrivilegeEscalation") is False,
        "may be root": both.get("runAsNonRoot") is True and both.get("runAsUser") != 0,
        "keeps capabilities": "ALL" in capabilities.get("drop", ()),
        "adds capabilities": set(capabilities.get("add", ())) <= {"NET_BIND_SERVICE"},
        "has no seccomp profile": both.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost"),
        "has ports of the host": not any(port.get("hostPort") for port in container.get("ports", ())),
        "sets /proc": own.get("procMount", "Default") == "Default",
    }
    return [said for said, holds in rules.items() if not holds]
