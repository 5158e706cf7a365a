"""moto's server with corrections to its EC2, each something the real one does and a controller depends on:

* a start sets a new launch time (moto keeps the one of `RunInstances`, so every node would look old at once);
* a start is `pending` and a stop is `stopping` for a while (moto's are immediate);
* ENA support can be added to a stopped instance and is shown (moto does not know it); it is off at first;
* an instance's type is changed only while it is stopped (moto changes it at any time).

Usage: moto_server.py PORT PENDING_SECONDS STOPPING_SECONDS
"""

import sys
import threading

from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instances import Instance
from moto.ec2.responses.instances import InstanceResponse
from moto.server import main

PORT, PENDING_S, STOPPING_S = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])

_start, _stop = Instance.start, Instance.stop


def _later(instance: Instance, seconds: float, code: int, name: str, only_from: str) -> None:
    def change() -> None:
        # Only if nothing else happened to it meanwhile.
        if instance._state.name == only_from:
            instance._state.code, instance._state.name = code, name

    timer = threading.Timer(seconds, change)
    timer.daemon = True
    timer.start()


def start(self: Instance):
    was = self._state.name
    previous = _start(self)
    if was == "stopped":
        self.launch_time = utcnow()
        self._state.code, self._state.name = 0, "pending"
        _later(self, PENDING_S, 16, "running", "pending")
    return previous


def stop(self: Instance):
    was = self._state.name
    previous = _stop(self)
    if was in ("running", "pending"):
        self._state.code, self._state.name = 64, "stopping"
        _later(self, STOPPING_S, 80, "stopped", "stopping")
    return previous


Instance.start, Instance.stop = start, stop
Instance.ena_support = False

_modify = InstanceResponse._dot_value_instance_attribute_handler


def modify(self: InstanceResponse) -> bool:
    ena, kind = (self._get_param(f"{name}.Value") for name in ("EnaSupport", "InstanceType"))
    if ena is None and kind is None:
        return _modify(self)
    instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    if instance._state.name != "stopped":
        raise EC2ClientError("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state.")
    if ena is None:
        return _modify(self)
    instance.ena_support = str(ena).lower() == "true"
    return True


InstanceResponse._dot_value_instance_attribute_handler = modify

if __name__ == "__main__":
    main(["-H", "127.0.0.1", "-p", PORT])
