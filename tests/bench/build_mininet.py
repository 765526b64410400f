#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""build_mininet.py N - how long Mininet takes to build linear,N with Linux bridges and no controller.

Prints "SECONDS KIB" as build_measure does: from the Mininet() call to the return of start(), so that neither
Python's start nor the tear-down count, and the most memory that this process had. Needs mininet and bridge-utils.
"""
import resource
import sys
import time

from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.nodelib import LinuxBridge
from mininet.topo import LinearTopo


def main():
    setLogLevel("error")
    Mininet.inited = True  # else it raises limits of the whole machine (fixLimits)
    start = time.monotonic()
    net = Mininet(topo=LinearTopo(k=int(sys.argv[1])), switch=LinuxBridge, controller=None)
    net.start()
    took = time.monotonic() - start
    try:
        links = sum(len(node.intfList()) for node in net.hosts + net.switches) // 2
        if links < 2 * int(sys.argv[1]) - 1:
            sys.exit(f"Mininet made {links} links")
    finally:
        net.stop()
    print(f"{took:.6f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}")


main()
