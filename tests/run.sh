#!/usr/bin/env bash
# Builds everything, runs every test project, and ends with "N passed, N failed, N skipped". Exits as the runner did.
set -uo pipefail
cd "$(dirname "$0")/.."
configuration=${1:-Release}
output=$(mktemp)
trap 'rm -f "$output"' EXIT

dotnet build UrlShortener.sln --configuration "$configuration" --nologo --verbosity quiet || {
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}

# One project at a time: the end-to-end tests count on a machine that is not busy with others.
dotnet test --solution UrlShortener.sln --configuration "$configuration" --no-build --max-parallel-test-modules 1 2>&1 | tee "$output"
code=${PIPESTATUS[0]}

count() { sed -nE "s/^ *$1: ([0-9]+)$/\1/p" "$output" | tail -n 1; }
passed=$(count succeeded) failed=$(count failed) skipped=$(count skipped)
# A run that broke before its summary has failed, whatever it had counted.
if [ -z "$passed" ] || { [ "$code" -ne 0 ] && [ "${failed:-0}" -eq 0 ]; }; then
    failed=$((${failed:-0} + 1))
fi
[ "${failed:-0}" -eq 0 ] || [ "$code" -ne 0 ] || code=1
if [ "${failed:-0}" -ne 0 ]; then
    # Once more at the end, where it is found, and in few words: a run writes thousands of lines, of which a log may keep the last.
    echo "Failed tests:"
    grep -E -A 5 '^ *failed .*\([0-9]' "$output" | cut -c 1-200
fi
echo "${passed:-0} passed, ${failed:-0} failed, ${skipped:-0} skipped"
exit "$code"
