#!/bin/sh
# Writes prometheusrules.yaml: each file of rules/ as a PrometheusRule. Called by `make manifests`.
set -eu
cd "$(dirname "$0")"
{
    echo '# Made from rules/ by `make manifests`. Do not edit.'
    for file in rules/*.yaml; do
        name=$(basename "$file" .yaml)
        printf '%s\n' --- 'apiVersion: monitoring.coreos.com/v1' 'kind: PrometheusRule' metadata: "  name: url-shortener-$name" spec:
        sed 's/^./  &/' "$file"
    done
} >"${1:-prometheusrules.yaml}"
