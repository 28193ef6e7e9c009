#!/usr/bin/env bash
# Installs what the tests need where it is missing, on Debian and its kin.
#   scripts/need.sh postgres browser race node
# A program in use is never replaced.
set -euo pipefail

missing=()
for need in "$@"; do
	case $need in
	postgres)
		command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql) ;;
	browser)
		command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
			missing+=(chromium) ;;
	race) # the race detector is the one thing that links with C
		command -v "${CC:-gcc}" >/dev/null || missing+=(gcc libc6-dev) ;;
	node) command -v npm >/dev/null || missing+=(nodejs npm) ;;
	zstd) command -v zstd >/dev/null || missing+=(zstd) ;;
	pandas) # of the system's own Python, to compare with
		/usr/bin/python3 -c 'import pandas, scipy' 2>/dev/null || missing+=(python3-pandas python3-scipy) ;;
	*) echo "nothing known is called $need" >&2; exit 2 ;;
	esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

become=()
[ "$(id -u)" = 0 ] || become=(sudo -n)
if ! command -v apt-get >/dev/null || { [ ${#become[@]} -gt 0 ] && ! sudo -n true 2>/dev/null; }; then
	echo "The tests need ${missing[*]}, and this script may not install it here." >&2
	echo "Install it (on Debian: sudo apt-get install ${missing[*]}) and run again." >&2
	exit 1
fi
echo "installing ${missing[*]}" >&2
"${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update </dev/null
"${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" </dev/null >/dev/null
