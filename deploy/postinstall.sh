#!/bin/sh
# After the package is installed or updated: its own user, and the service
# started anew with what was there before.
set -e
getent group regulars >/dev/null || groupadd --system regulars
getent passwd regulars >/dev/null ||
	useradd --system --gid regulars --home-dir /var/lib/regulars --no-create-home --shell /usr/sbin/nologin regulars
chgrp regulars /etc/regulars/regulars.conf
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
systemctl enable regulars.service
systemctl restart regulars.service
