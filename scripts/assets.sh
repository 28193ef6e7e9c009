#!/bin/sh
# Re-creates the vendored assets from their npm packages. There is no bundler:
# files are copied as published. To use another icon, add its name to
# internal/platform/web/assets/icons.txt and run this.
set -eu

tabler=1.6.1
htmx=2.0.11
icons=3.51.0
axe=4.14.1

cd "$(dirname "$0")/.."
out=internal/platform/web/assets
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fetch() { # package version folder
	(cd "$tmp" && npm pack --silent "$1@$2" >"$3.name" && mkdir "$3" && tar -xzf "$(cat "$3.name")" -C "$3" --strip-components 1)
}
fetch @tabler/core $tabler core
fetch htmx.org $htmx htmx
fetch @tabler/icons $icons icons
fetch axe-core $axe axe

sed 's|/\*# sourceMappingURL=.*\*/||' "$tmp/core/dist/css/tabler.min.css" >$out/tabler.css
cp "$tmp/htmx/dist/htmx.min.js" $out/htmx.js
mkdir -p internal/testkit/browser/testdata
cp "$tmp/axe/axe.min.js" internal/testkit/browser/testdata/axe.js

rm -rf $out/icons
mkdir -p $out/icons
while read -r name; do
	[ -n "$name" ] || continue
	tr -s '\n ' ' ' <"$tmp/icons/icons/outline/$name.svg" |
		sed -e 's|.*<path stroke="none" d="M0 0h24v24H0z" fill="none" */> *||' -e 's|.*class="[^"]*" *> *||' -e 's| *</svg>.*||' -e 's| $||' >$out/icons/$name.svg
done <$out/icons.txt

{
	echo "Assets made by others, vendored as published on npm."
	echo
	echo "tabler.css    @tabler/core $tabler   MIT"
	echo "icons/*.svg   @tabler/icons $icons   MIT (paths only; the svg element is added when shown)"
	echo "htmx.js       htmx.org $htmx         0BSD"
	echo
	echo "---- @tabler/core and @tabler/icons"
	cat "$tmp/icons/LICENSE"
	echo
	echo "---- htmx.org"
	cat "$tmp/htmx/LICENSE"
} >$out/NOTICE
{
	echo "axe.js   axe-core $axe   MPL-2.0   used by tests only, not in the program"
	echo
	cat "$tmp/axe/LICENSE"
} >internal/testkit/browser/testdata/NOTICE
