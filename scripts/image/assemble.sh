#!/bin/sh
# assemble.sh PACKAGE FOLDER COMMAND...: what an image holds above its base. The published form of PACKAGE is installed into
# FOLDER/app with plain npm, what only other platforms or builds need is taken out, and each COMMAND gets a file on the PATH.
set -eu
package=$1 folder=$2
shift 2
here=$(dirname "$0")
node=$(command -v node)

tarballs=$(mktemp -d)
npx --yes pnpm@12.21.0 -r --filter "$package..." pack --pack-destination "$tarballs" >/dev/null
mkdir -p "$folder/app" "$folder/usr/local/bin" "$folder/usr/lib"
# The native packages bring their binaries along; their scripts would only build them anew.
npm install --prefix "$folder/app" --omit=dev --ignore-scripts --no-audit --no-fund --no-package-lock "$tarballs"/*.tgz
rm -rf "$tarballs"
node "$here/prune.mjs" "$folder/app"

# npm keeps Node beside a wrapper or a link: the file itself is meant.
cp -L "$(node -p process.execPath)" "$folder/usr/local/bin/node"
strip --strip-unneeded "$folder/usr/local/bin/node"
# A library of Node's that slim bases lack.
atomic=$(ldd "$node" | awk '$1 == "libatomic.so.1" { print $3 }')
if [ -n "$atomic" ]; then cp -L "$atomic" "$folder/usr/lib/libatomic.so.1"; fi

for command in "$@"; do
  target=$(readlink "$folder/app/node_modules/.bin/$command")
  printf '#!/usr/local/bin/node\nimport("/app/node_modules/.bin/%s")\n' "$target" >"$folder/usr/local/bin/$command"
  chmod 755 "$folder/usr/local/bin/$command"
done
