#!/usr/bin/env bash
# Takes the rules of one release of crawler-user-agents from npm: `make crawlers VERSION=1.60.0`. Writes patterns.txt, which the runtime holds, and the
# examples that the tests hold. Then run ClientKindsTests: a new pattern that counts people as bots goes into not-crawlers.txt. Needs npm and jq.
set -euo pipefail
export LC_ALL=C
version=${1:?usage: refresh.sh VERSION of crawler-user-agents on npm}
folder=$(cd "$(dirname "$0")" && pwd)
examples=$folder/../../../../tests/UrlShortener.Runtime.Tests/Clicks/CrawlerExamples.tsv
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

npm pack --silent --pack-destination "$temporary" "crawler-user-agents@$version" > /dev/null
tar -xzf "$temporary"/*.tgz -C "$temporary"
list=$temporary/package/crawler-user-agents.json
{
    echo "# Patterns of crawler-user-agents $version. Written by refresh.sh; exceptions are in not-crawlers.txt. Its licence:"
    sed 's/^/# /; s/ *$//' "$temporary/package/LICENSE"
    jq -r '.[].pattern' "$list" | sort -u
} > "$folder/patterns.txt"
{
    echo "# Examples of crawler-user-agents $version, each after the pattern that finds it. Written by refresh.sh; licence as in patterns.txt."
    jq -r '.[] | .pattern as $pattern | .instances[] | select(test("[\t\r\n]") | not) | "\($pattern)\t\(.)"' "$list" | sort -u
} > "$examples"
echo "$(grep -vc '^#' "$folder/patterns.txt") patterns, $(grep -vc '^#' "$examples") examples"
