#!/usr/bin/env bash
# Builds everything, runs every test project, and ends with "N passed, N failed, N skipped". Exits with 0 only when no test failed.
set -uo pipefail
cd "$(dirname "$0")/.."
configuration=${1:-Release}
# How many projects run at once. Many of their tests wait for servers: two alone leave two processors idle for a quarter of the time and more. One more lane runs
# those that mostly wait, and starts none while the machine has enough to do, whoever gives it that. Three at once on a busy machine bring it to a load of 60 to
# 80, at which servers no longer answer each other in time, and take longer than two.
lanes=${TEST_LANES:-2}
waiting_lane=${TEST_WAITING_LANE:-1}
waiting_projects='\.(Runtime|Monitoring|TestServers|ControllerRuntime)\.'
waiting_lane_idle_percent=20
# Compilers, tests and the product's processes are short-lived: the first writes to memory pages through a second mapping to harden long-lived ones, the second
# instruments code for a recompilation that few of them live to see. The third begins that recompilation after two seconds (hexadecimal) without new code
# instead of a tenth: most processes have ended by then, and those under load reach it all the same. And a method is recompiled after 1,024 calls instead of 30:
# what is called less often than that in the life of a test is not worth a compiler's time.
export DOTNET_EnableWriteXorExecute=0 DOTNET_TieredPGO=0 DOTNET_TC_CallCountingDelayMs=0x7D0 DOTNET_TC_CallCountThreshold=0x400
results=$(mktemp -d)
# One compiler for all projects, whatever the environment says of shared ones: the analyzers are loaded once, not once for each of twenty projects. It has a name
# of its own and is ended by its pid, so that no other build of this machine is touched and nothing is left behind.
compiler=urlshortener-tests-$$
shared_compiler="-p:UseSharedCompilation=true -p:SharedCompilationId=$compiler"
end_compiler() { pgrep -f -- "-pipename:$compiler( |\$)" | xargs -r kill 2>/dev/null; }
trap 'end_compiler; rm -rf "$results"' EXIT

started=$SECONDS
dotnet build UrlShortener.sln --configuration "$configuration" --nologo --verbosity quiet $shared_compiler || {
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}
printf 'built in %s s\n' "$((SECONDS - started))"

# What the tests start is what the images hold: compiled ahead of time, which saves a fifth of the processor time of several hundred short-lived processes.
# A platform by name leaves the lock files as they are; the analyzers have seen the same code in the build.
publish() {
    local platform
    platform=$(dotnet --info | sed -nE 's/^ *RID: +//p')
    for program in runtime/UrlShortener.Runtime operator/UrlShortener.Operator; do
        dotnet publish "$program" --configuration "$configuration" --runtime "$platform" --no-self-contained --output "$results/publish/${program%%/*}" \
            --nologo --verbosity quiet -p:RunAnalyzers=false $shared_compiler || break
    done
    if [ -x "$results/publish/operator/UrlShortener.Operator" ]; then
        mv "$results/publish" "$results/programs"
    else
        echo "The programs could not be published for this platform; the tests start what was built."
    fi
    end_compiler
    touch "$results/is_published"
    printf 'published in %s s\n' "$SECONDS"
}

# The first one starts no program and fills the time until they are published. The others follow longest first, so that no lane ends long after the others.
# A project that is not named here comes last.
order="Runtime Operator EndToEnd.Servers Chaos EndToEnd TestServers Monitoring ControllerRuntime"
projects() {
    { printf 'tests/UrlShortener.%s.Tests\n' $order; printf '%s\n' tests/*.Tests; } | awk '!seen[$0]++' | while read -r project; do
        [ -d "$project" ] && echo "$project"
    done
}

# Watches a run of a project. One that has told of no test for a long time hangs, or its runner does: what its processes are doing is written down, and they are
# ended. The servers that tests start end with them.
hang_seconds=${TEST_HANG_SECONDS:-1800}
hangs=${TEST_REPORTS:-.artifacts/hangs}
watch_over() {
    local name=$1 told=-1 now silent=0 runner host file="$hangs/$1.hang"
    while [ "$silent" -lt "$hang_seconds" ]; do
        sleep 10
        # The script was interrupted.
        kill -0 "$$" || exit
        silent=$((silent + 10))
        now=$(grep -cE '^(passed|failed|skipped) ' "$results/$name.log")
        [ "$now" -eq "$told" ] || silent=0
        told=$now
    done
    mkdir -p "$hangs"
    runner=$(pgrep -P "$$" -f "dotnet test --project [^ ]*/$name " | head -n 1)
    host=$(pgrep -P "$runner" -f "/$name( |\$)" | head -n 1)
    {
        uptime
        grep -E '^(passed|failed|skipped) ' "$results/$name.log" | tail -n 20
        # Who waits for whom, and in what: the tests, their servers, and whatever else there is.
        ps -eo pid,ppid,pgid,stat,etimes,time,nlwp,wchan:24,args --forest | awk '$2 != 2' | cut -c1-300
    } >"$file.txt"
    echo "$name told of no test for $hang_seconds s and was ended. What its processes were doing: $file.txt, and $file.dmp if it could be had."
    if [ -n "$host" ]; then
        # For `dotnet-dump analyze`: dumpasync, clrstack -all.
        timeout -s KILL 120 "$(dirname "$(readlink -f "$(command -v dotnet)")")"/shared/Microsoft.NETCore.App/*/createdump --withheap -f "$file.dmp" "$host"
        kill -KILL "$host"
        # The runner tells how many tests had passed, unless it is what hangs.
        sleep 30
    fi
    kill -KILL "$runner" 2>/dev/null
}

# The output of one project, as soon as it has ended, without the tests that passed; its time and the processor time of all its processes.
TIMEFORMAT='%U %S'
run() {
    local project=$1 name started watcher reports=()
    name=$(basename "$project")
    [ -z "${TEST_REPORTS:-}" ] || reports=(--results-directory "$TEST_REPORTS" --report-xunit-ctrf --report-xunit-ctrf-filename "$name.json")
    if [ "$name" != UrlShortener.Runtime.Tests ]; then
        until [ -e "$results/is_published" ]; do sleep 1; done
        [ ! -d "$results/programs" ] || export TEST_PROGRAMS="$results/programs"
    fi
    started=$SECONDS
    { time {
        : >"$results/$name.log"
        watch_over "$name" >>"$results/$name.log" 2>&1 </dev/null &
        watcher=$!
        dotnet test --project "$project" --configuration "$configuration" --no-build --output Detailed "${reports[@]}" >>"$results/$name.log" 2>&1
        echo $? >"$results/$name.code"
        { pkill -P "$watcher"; kill "$watcher"; wait "$watcher"; } 2>/dev/null
    }; } 2>"$results/$name.processor"
    echo "$((SECONDS - started))" >"$results/$name.seconds"
    flock "$results" awk '/^passed / { is_hidden = 1; next } /^[^ ]/ { is_hidden = 0 } !is_hidden' "$results/$name.log"
}

# Programs of pods that ended by a fault of their own, which start again so that no test need notice.
crashes=.artifacts/crashes
rm -rf "$crashes"

# Takes the next project, or the next one of a pattern; fails if none is left.
take() {
    flock "$results/lock" sh -c 'line=$(grep -nEm 1 "$1" "$0") && echo "${line#*:}" && sed -i "${line%%:*}d" "$0"' "$results/queue" "${1:-.}"
}
lane() {
    local project
    while project=$(take); do
        if [ "$project" = publish ]; then publish; else run "$project"; fi
    done
}
# Idle processor time of ten seconds, in percent.
idle_percent() {
    local before after
    before=$(head -n 1 /proc/stat)
    sleep 10
    after=$(head -n 1 /proc/stat)
    printf '%s\n' "$before" "$after" |
        awk '{ all = 0; for (i = 2; i <= 9; i++) all += $i; idle = $5 + $6 } NR == 1 { a = all; b = idle } END { print int(100 * (idle - b) / (all - a)) }'
}
waiting_lane() {
    local project
    until [ -e "$results/is_published" ]; do sleep 1; done
    while grep -qE "$waiting_projects" "$results/queue"; do
        [ "$(idle_percent)" -ge "$waiting_lane_idle_percent" ] || continue
        project=$(take "$waiting_projects") && run "$project"
    done
}
{ echo publish; projects; } >"$results/queue"
export -f run watch_over publish end_compiler take lane idle_percent waiting_lane
export configuration results hang_seconds hangs compiler shared_compiler TIMEFORMAT waiting_projects waiting_lane_idle_percent
# By a program, whose children a signal of the keyboard reaches; it does not reach what a script leaves in the background.
{
    for _ in $(seq "$lanes"); do echo lane; done
    [ "$waiting_lane" -eq 0 ] || echo waiting_lane
} | xargs -P "$((lanes + waiting_lane))" -I{} bash -c '{}'

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
    table+=$(printf '%6s s, processor %4.0f s  %s: %s passed, %s failed, %s skipped' "$(cat "$results/$name.seconds")" \
        "$(awk 'END { print $1 + $2 }' "$results/$name.processor")" "$name" "${p:-0}" "${f:-0}" "${s:-0}")$'\n'
done
if [ "$failed" -ne 0 ]; then
    # Once more at the end, where it is found: a run writes thousands of lines, of which a log may keep the last. Of each the message and what follows, as long as
    # all of them stay readable.
    echo "Failed tests:"
    awk '
        /^ *failed .*\([0-9]/ { left = 40 }
        /^ *(passed|skipped) [A-Z]/ { left = 0 }
        /^[^ ]+\.dll \(.*\) (failed|passed)/ { left = 0 }
        left > 0 && shown < 400 { print substr($0, 1, 300); left--; shown++ }
    ' "$results"/*.log
fi
printf '%s' "$table" | sort -rn
# And once in a line each, for a log that keeps no more than the last few: the name and the message without the stack.
[ "$failed" -eq 0 ] || awk '
    function tell() { if (name != "" && told++ < 12) print substr("failed " name text, 1, 400); name = ""; text = "" }
    /^ *failed .*\([0-9]/ { tell(); name = $2; lines = 6; next }
    /^ *(passed|skipped) [A-Z]/ || /^ +at / || /^[^ ]+\.dll / { tell() }
    name != "" && lines-- > 0 && !/^ +from / { gsub(/ +/, " "); text = text $0 }
    END { tell() }
' "$results"/*.log
grep -h ' told of no test for ' "$results"/*.log
for log in "$crashes"/*.log; do
    [ -e "$log" ] && printf 'crashed: %s\n%s\n' "$log" "$(tail -n 20 "$log" | cut -c1-200)"
done
printf '%6s s  in all\n' "$((SECONDS - started))"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
