"""The subset of Compose that the harness reads, in one table. `docs/compose.md` shows the same table.

Each key is read, ignored because it changes nothing here, or refused because running without it would mean another
stack than the one that is described.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Treatment(StrEnum):
    """What happens to a key of Compose."""

    READ = "read"
    IGNORED = "ignored"
    REFUSED = "refused"


_READ, _IGNORED, _REFUSED = Treatment.READ, Treatment.IGNORED, Treatment.REFUSED

TOP_LEVEL: Final[dict[str, tuple[Treatment, str]]] = {
    "name": (_READ, "the stack's name; the folder's name by default"),
    "services": (_READ, "see the next table"),
    "volumes": (_READ, "named volumes, with default settings only"),
    "version": (_IGNORED, "obsolete in Compose itself"),
    "networks": (_IGNORED, "the harness makes one network for each provider"),
    "configs": (_REFUSED, "mount a file under `volumes` instead"),
    "include": (_REFUSED, "one file describes the whole stack"),
    "models": (_REFUSED, "not supported"),
    "secrets": (_REFUSED, "mount a file under `volumes` instead"),
}

SERVICE: Final[dict[str, tuple[Treatment, str]]] = {
    "command": (_READ, "a list, or text that is split as a shell would"),
    "depends_on": (_READ, "the order of starting; conditions service_started and service_healthy"),
    "entrypoint": (_READ, "comes before `command`"),
    "environment": (_READ, "a mapping, or a list of NAME=value; a name alone takes the caller's value"),
    "expose": (_READ, "TCP ports that others may dial"),
    "image": (_READ, "what containers run; local processes need `command` or `entrypoint`, too"),
    "labels": (_READ, "harness.provider, harness.role, harness.health; others are ignored"),
    "ports": (_READ, "the container's port counts as exposed; the host's is chosen by the harness"),
    "restart": (_READ, "only `no`: a restart policy would undo a fault"),
    "volumes": (_READ, "named volumes and folders, short or long form"),
    "working_dir": (_READ, "where the command runs"),
    "annotations": (_IGNORED, "for people and other tools"),
    "attach": (_IGNORED, "all logs are kept"),
    "build": (_IGNORED, "build images with Compose itself, before a run"),
    "container_name": (_IGNORED, "the harness names containers by run"),
    "develop": (_IGNORED, "for development only"),
    "healthcheck": (_IGNORED, "the harness asks `harness.health` itself"),
    "init": (_IGNORED, "every service is started under a reaper"),
    "logging": (_IGNORED, "all logs are kept"),
    "networks": (
        _IGNORED,
        "the harness makes one network for each provider; aliases and addresses are refused",
    ),
    "platform": (_IGNORED, "images are taken as they are"),
    "pull_policy": (_IGNORED, "images must be there before a run"),
    "stdin_open": (_IGNORED, "services read no keyboard"),
    "stop_grace_period": (_IGNORED, "the harness's own limits hold"),
    "stop_signal": (_IGNORED, "the harness's own limits hold"),
    "tty": (_IGNORED, "services write no terminal"),
    **dict.fromkeys(("links", "external_links"), (_REFUSED, "name services by `service:port`")),
    **dict.fromkeys(("hostname", "domainname"), (_REFUSED, "name services by `service:port`")),
    **dict.fromkeys(
        ("dns", "dns_opt", "dns_search", "extra_hosts"), (_REFUSED, "name services by `service:port`")
    ),
    **dict.fromkeys(("env_file", "label_file"), (_REFUSED, "write the values into this file")),
    **dict.fromkeys(("deploy", "scale"), (_REFUSED, "write one service for each replica")),
    "extends": (_REFUSED, "use a YAML anchor and `<<`"),
    "profiles": (_REFUSED, "every service of the file is started"),
    **dict.fromkeys(("configs", "secrets", "tmpfs", "volumes_from"), (_REFUSED, "use `volumes`")),
    **dict.fromkeys(
        (
            *(
                "blkio_config",
                "cpu_count",
                "cpu_percent",
                "cpu_period",
                "cpu_quota",
                "cpu_rt_period",
                "cpu_rt_runtime",
            ),
            *(
                "cpu_shares",
                "cpus",
                "cpuset",
                "mem_limit",
                "mem_reservation",
                "mem_swappiness",
                "memswap_limit",
            ),
            *("oom_kill_disable", "oom_score_adj", "pids_limit", "shm_size", "storage_opt", "ulimits"),
        ),
        (_REFUSED, "limits differ between platforms; inject a fault instead"),
    ),
    **dict.fromkeys(
        (
            *(
                "cap_add",
                "cap_drop",
                "cgroup",
                "cgroup_parent",
                "credential_spec",
                "device_cgroup_rules",
                "devices",
            ),
            *(
                "gpus",
                "group_add",
                "ipc",
                "isolation",
                "mac_address",
                "models",
                "network_mode",
                "pid",
                "post_start",
            ),
            *(
                "pre_stop",
                "privileged",
                "provider",
                "read_only",
                "runtime",
                "security_opt",
                "sysctls",
                "use_api_socket",
            ),
            *("user", "userns_mode", "uts"),
        ),
        (_REFUSED, "not every platform can do it"),
    ),
}
EXTENSION: Final = "x-"
PROCESS_EXTENSION: Final = "x-harness-process"
STACK_EXTENSION: Final = "x-harness"
LABELS: Final = {
    "harness.provider": "the provider that the service stands in; outside every provider by default",
    "harness.role": "what the service is for; its name by default",
    "harness.health": "PORT/path of an HTTP GET that answers 200 when the service is ready",
}
