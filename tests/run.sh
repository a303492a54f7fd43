#!/usr/bin/env bash
# Builds everything, runs every test project, and ends with "N passed, N failed, N skipped". Exits with 0 only when no test failed.
set -uo pipefail
cd "$(dirname "$0")/.."
configuration=${1:-Release}
# How many projects run at once. Many of their tests wait for servers; two keep two processors busy.
lanes=${TEST_LANES:-2}
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

started=$SECONDS
dotnet build UrlShortener.sln --configuration "$configuration" --nologo --verbosity quiet || {
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}
printf 'built in %s s\n' "$((SECONDS - started))"

# What the tests start is what the images hold: compiled ahead of time, which saves a fifth of the processor time of several hundred short-lived processes.
# A platform by name leaves the lock files as they are.
platform=$(dotnet --info | sed -nE 's/^ *RID: +//p')
publish() {
    dotnet publish "$1" --configuration "$configuration" --runtime "$platform" --no-self-contained --output "$results/programs/$2" --nologo --verbosity quiet
}
if publish runtime/UrlShortener.Runtime runtime && publish operator/UrlShortener.Operator operator; then
    export TEST_PROGRAMS="$results/programs"
    printf 'built and published after %s s\n' "$((SECONDS - started))"
else
    echo "The programs could not be published for this platform; the tests start what was built."
fi

# Longest first, so that no lane ends long after the others. A project that is not named here comes last.
first="EndToEnd.Servers Chaos Operator EndToEnd TestServers Runtime ControllerRuntime"
projects() {
    { printf 'tests/UrlShortener.%s.Tests\n' $first; printf '%s\n' tests/*.Tests; } | awk '!seen[$0]++' | while read -r project; do
        [ -d "$project" ] && echo "$project"
    done
}

# The output of one project, as soon as it has ended, and its time.
run() {
    local project=$1 name started=$SECONDS code
    name=$(basename "$project")
    dotnet test --project "$project" --configuration "$configuration" --no-build >"$results/$name.log" 2>&1
    code=$?
    echo "$code" >"$results/$name.code"
    echo "$((SECONDS - started))" >"$results/$name.seconds"
    flock "$results" cat "$results/$name.log"
}
export -f run
export configuration results
projects | xargs -P "$lanes" -I{} bash -c 'run {}'

count() { sed -nE "s/^ *$1: ([0-9]+)$/\1/p" "$2" | tail -n 1; }
passed=0 failed=0 skipped=0
table=""
for log in "$results"/*.log; do
    name=$(basename "$log" .log) code=$(cat "$results/$(basename "$log" .log).code")
    p=$(count succeeded "$log") f=$(count failed "$log") s=$(count skipped "$log")
    # A run that broke has failed, whatever it had counted. 8: it had no tests to run.
    if [ "${f:-0}" -eq 0 ] && [ "$code" -ne 0 ] && [ "$code" -ne 8 ]; then
        f=1
    fi
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
    table+=$(printf '%6s s  %s: %s passed, %s failed, %s skipped' "$(cat "$results/$name.seconds")" "$name" "${p:-0}" "${f:-0}" "${s:-0}")$'\n'
done
if [ "$failed" -ne 0 ]; then
    # Once more at the end, where it is found, and in few words: a run writes thousands of lines, of which a log may keep the last.
    echo "Failed tests:"
    grep -hE -A 5 '^ *failed .*\([0-9]' "$results"/*.log | cut -c 1-200
fi
printf '%s' "$table" | sort -rn
printf '%6s s  in all\n' "$((SECONDS - started))"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
