#!/usr/bin/env python3
"""The emulation of AWS, whose ECS starts and stops tasks, as moto alone does not.

Each look at a service lets it go on. How is in the file `scheduler` of the working directory, read at each look: `follow`
(as many run as are to run; so without the file), `late` (from the third look on), `never` (a service that did not run
before never does), `flap` (every second look),
`empty` (the cluster has no instance). How many of a daemon are to run is known from the second look on.

Sessions of roles called `brief` last a little longer than what shipctl leaves unused of a session.
"""

import datetime
import pathlib
import sys

from moto.core.utils import utcnow
from moto.ecs import models
from moto.server import main
from moto.sts.models import STSBackend

describe_services = models.EC2ContainerServiceBackend.describe_services


def schedule(service):
    file = pathlib.Path("scheduler")
    how = file.read_text().strip() if file.exists() else "follow"
    service.looks = getattr(service, "looks", 0) + 1
    ran = service.running_count > 0
    runs = {
        "follow": True,
        "late": service.looks > 3,
        "never": ran,
        "flap": service.looks % 2 == 0,
        "empty": False,
    }[how]
    if service.status != "ACTIVE":
        return
    if service.scheduling_strategy == "DAEMON":
        is_known = service.looks > 1 and how != "never"
        service.desired_count = int(is_known and how != "empty")
        service.deployments[0]["rolloutState"] = "COMPLETED" if is_known else "IN_PROGRESS"
    if runs or service.desired_count == 0:
        service.running_count, service.pending_count = service.desired_count, 0
    else:
        service.running_count, service.pending_count = 0, service.desired_count
        message = f"(service {service.name}) was unable to place a task because no container instance met all of its requirements."
        service.events.insert(0, {"id": f"{service.name}-{service.looks}", "createdAt": utcnow(), "message": message})


def described(self, cluster_str, service_names_or_arns):
    found = describe_services(self, cluster_str, service_names_or_arns)
    for service in found[0] if isinstance(found, tuple) else found:
        schedule(service)
    return found


assume_role = STSBackend.assume_role


def assumed(self, *args, **kwargs):
    role = assume_role(self, *args, **kwargs)
    if role.role_arn.endswith("/brief"):
        role.expiration = utcnow() + datetime.timedelta(seconds=301)
    return role


STSBackend.assume_role = assumed
models.EC2ContainerServiceBackend.describe_services = described
sys.argv[0] = "moto_server"
main()
