#!/bin/sh
# Before the package is removed. An update stops nothing: the new one starts
# the service anew. Data in /var/lib/regulars stays.
set -e
[ "$1" = upgrade ] && exit 0
[ -d /run/systemd/system ] || exit 0
systemctl disable --now regulars.service
