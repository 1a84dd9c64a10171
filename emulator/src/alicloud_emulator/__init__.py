"""An Alibaba Cloud on this machine, for trying, testing and rehearsing faults."""
