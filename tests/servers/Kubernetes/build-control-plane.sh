#!/usr/bin/env bash
# Builds kube-apiserver and kube-controller-manager 1.20.2 from Debian 12's own source package, the last one that carries the whole tree.
# Takes about ten minutes on two cores, needs root, and leaves the system's package sources as they are.
# usage: build-control-plane.sh FOLDER
set -euo pipefail

folder=$(realpath -m "$1")
packages="golang-1.19-go golang-github-modern-go-reflect2-dev rsync jq dpkg-dev make etcd-server"
policy=/usr/sbin/policy-rc.d

fail() { echo "$*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail "Only root can build a control plane: it installs $packages."
. /etc/os-release
[ "${VERSION_CODENAME:-}" = bookworm ] || fail "Only Debian 12 has the source of a whole control plane; this is ${PRETTY_NAME:-another system}."

mkdir -p "$(dirname "$folder")"
exec 9>"$folder.lock"
flock 9
# Another process may have built it while this one waited.
[ -x "$folder/kube-apiserver" ] && [ -x "$folder/kube-controller-manager" ] && exit 0

work=$(mktemp -d)
ours=
trap 'rm -rf "$work"; [ -z "$ours" ] || rm -f "$policy"' EXIT

# Sources come from where the system's packages come from. Lists of our own, so that the system's stay as they are. A system has one of the two kinds of
# lists, or both: that the other is missing is no failure, and that both are is told below.
{ sed -nE 's/^URIs: *([^ ]+).*/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null || true
  sed -nE 's/^deb +(\[[^]]*\] +)?([^ ]+) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true; } |
    sort -u | grep -v security | sed 's/.*/deb-src [signed-by=\/usr\/share\/keyrings\/debian-archive-keyring.gpg] & bookworm main/' >"$work/sources.list"
[ -s "$work/sources.list" ] || fail "The package sources of this system name no place to take Debian's sources from."
mkdir -p "$work/lists/partial"
own="-o Dir::Etc::sourcelist=$work/sources.list -o Dir::Etc::sourceparts=- -o Dir::State::lists=$work/lists -o APT::Sandbox::User=root"
network="-o Acquire::Retries=2 -o Acquire::http::Timeout=20"

export DEBIAN_FRONTEND=noninteractive
# The packages would start an etcd of their own.
if [ ! -e "$policy" ]; then
    ours=1
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
fi
apt-get -q update $network
# shellcheck disable=SC2086
apt-get -q install -y --no-install-recommends -o DPkg::Lock::Timeout=60 $network $packages
apt-get -q update $network $own

cd "$work"
apt-get -q source $network $own kubernetes
cd kubernetes-1.20*/
# The tree's reflect2 1.0.1 walks maps by a layout that Go 1.18 changed. Debian packages 1.0.2, which does not.
vendored=vendor/github.com/modern-go/reflect2
rm -f "$vendored"/*.go "$vendored"/*.s
cp /usr/share/gocode/src/github.com/modern-go/reflect2/*.go /usr/share/gocode/src/github.com/modern-go/reflect2/*.s "$vendored/"
rm -f "$vendored"/*_test.go

mkdir -p .go/src/k8s.io "$work/out" "$work/cache"
ln -sfn ../../.. .go/src/k8s.io/kubernetes
export PATH=/usr/lib/go-1.19/bin:$PATH CGO_ENABLED=0 GOPATH=$PWD/.go GO111MODULE=off GOCACHE=${GOCACHE:-$work/cache}
GO111MODULE='' make generated_files
cd .go/src/k8s.io/kubernetes
component=k8s.io/kubernetes/vendor/k8s.io/component-base/version client=k8s.io/kubernetes/vendor/k8s.io/client-go/pkg/version
go build -trimpath -o "$work/out" \
    -ldflags "-s -w -X $component.gitVersion=v1.20.2 -X $component.gitMajor=1 -X $component.gitMinor=20 -X $client.gitVersion=v1.20.2 -X $client.gitMajor=1 -X $client.gitMinor=20" \
    ./cmd/kube-apiserver ./cmd/kube-controller-manager

# Whole or not at all: somebody may look into the folder meanwhile.
mkdir -p "$folder"
for name in kube-controller-manager kube-apiserver; do
    install "$work/out/$name" "$folder/$name.part"
    mv "$folder/$name.part" "$folder/$name"
done
