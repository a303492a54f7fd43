# Developer commands, one target each. `make help` lists them.

CONFIGURATION ?= Release
PORT ?= 8080
DATA ?= .data
RUNTIME = runtime/UrlShortener.Runtime/bin/$(CONFIGURATION)/net10.0/UrlShortener.Runtime
DOTNET_FLAGS = --configuration $(CONFIGURATION) --nologo
# Images are named IMAGE_PREFIX and url-shortener-runtime or -operator: IMAGE_PREFIX=registry.example/team/
# kustomization.yaml and config/samples/kustomization.yaml have the names for a cluster.
IMAGE_PREFIX ?= localhost/
IMAGE_TAG ?= 0.1.0
IMAGE_TOOL ?= $(firstword $(foreach tool,docker podman buildah,$(if $(shell command -v $(tool) 2>/dev/null),$(tool))))
# Such as IMAGE_FLAGS='--build-arg BASE_IMAGE=registry.example/aspnet:10.0'; for the stores POSTGRES_BASE and REDIS_BASE.
IMAGE_FLAGS ?=
# The version of PostgreSQL in the image of that name: 15, 16 or 17.
POSTGRES_VERSION ?= 17
KUBECTL ?= kubectl
# Images of the end-to-end test. The next one is rolled out under load; it may be the same under another tag.
NEXT_IMAGE_TAG ?= next
POSTGRES_IMAGE ?= postgres:17
REDIS_IMAGE ?= redis:7
# Nodes that the test may drain and lose, and a command that does so (docs/operator.md): NODES="n1 n2" NODE_TOOL=.../node.sh
NODES ?=
NODE_TOOL ?=
# A folder with the CustomResourceDefinitions of prometheus-operator, for a cluster without them. The test removes them again.
PROMETHEUS_OPERATOR_CRDS ?=

export DOTNET_CLI_TELEMETRY_OPTOUT = 1
export DOTNET_NOLOGO = 1

.DEFAULT_GOAL := help
.PHONY: help run build test check fmt redis-failovers redis-kills postgres-failovers region-failovers statistics-series manifests crawlers images store-images image-tool deploy e2e bench load soak cost dashboard clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'
	@echo
	@echo "  make run PORT=9090 DATA=/some/folder   another port (8080) and data folder (.data)"
	@echo "  make images IMAGE_PREFIX=registry.example/team/ IMAGE_TAG=1.0   other names than localhost/url-shortener-operator:0.1.0"
	@echo "  make soak TIME_SCALE=1 RATE_SCALE=0.1 LOAD_FLAGS=--servers      4 hours, 500 requests a second, on PostgreSQL and Redis"

run: ## Build, and serve on http://localhost:8080 with the data in .data/
	@dotnet build runtime/UrlShortener.Runtime $(DOTNET_FLAGS) --verbosity quiet
	@exec $(RUNTIME) --urls http://localhost:$(PORT) --Storage:DataDirectory=$(abspath $(DATA))

build: ## Build everything
	dotnet build UrlShortener.sln $(DOTNET_FLAGS) --verbosity minimal

test: ## Build, and run every test; ends with a line "N passed, N failed, N skipped"
	@tests/run.sh $(CONFIGURATION)

check: ## What CI runs: formatting, then the tests
	@dotnet tool restore --verbosity quiet
	dotnet csharpier check .
	@tests/run.sh $(CONFIGURATION)

fmt: ## Format the code
	@dotnet tool restore --verbosity quiet
	dotnet csharpier format .

redis-failovers: ## Measure failovers of a Redis that the operator runs: make redis-failovers RUNS=20
	REDIS_FAILOVERS=$(or $(RUNS),20) REDIS_FAILOVERS_FILE=/dev/stderr dotnet test --project tests/UrlShortener.Operator.Tests $(DOTNET_FLAGS) --filter-class '*RedisFailoverSeriesTests'

redis-kills: ## Measure failovers of a Redis Cluster that somebody else runs, under the load of the product: make redis-kills RUNS=20
	REDIS_KILLS=$(or $(RUNS),20) dotnet test --project tests/UrlShortener.Chaos.Tests $(DOTNET_FLAGS) --filter-class '*RedisFailoverTests' --output Detailed

postgres-failovers: ## Measure failovers of a PostgreSQL that the operator runs: make postgres-failovers RUNS=10 KINDS="container killed;node cut off"
	POSTGRES_FAILOVERS=$(or $(RUNS),10) POSTGRES_FAILOVERS_KINDS="$(KINDS)" POSTGRES_FAILOVERS_FILE=/dev/stderr dotnet test --project tests/UrlShortener.Operator.Tests $(DOTNET_FLAGS) --filter-class '*PostgresFailoverSeriesTests'

region-failovers: ## Measure moves of the primary role between regions: make region-failovers RUNS=10 KINDS="drained;region destroyed"
	REGION_FAILOVERS=$(or $(RUNS),10) REGION_FAILOVERS_KINDS="$(KINDS)" REGION_FAILOVERS_FILE=/dev/stderr dotnet test --project tests/UrlShortener.Operator.Tests $(DOTNET_FLAGS) --filter-class '*RegionFailoverSeriesTests' --filter-class '*ClusterFailoverTests'

click-load-series: ## Measure the load of click events into ClickHouse: make click-load-series EVENTS=1000000 SETTINGS=--Clicks:LoadBytes=268435456
	CLICK_LOAD_EVENTS=$(or $(EVENTS),1000000) CLICK_LOAD_SETTINGS="$(SETTINGS)" dotnet test --project tests/UrlShortener.Chaos.Tests $(DOTNET_FLAGS) --filter-class '*ClickLoadSeriesTests' --output Detailed

statistics-series: ## Measure statistics of ClickHouse about ten million clicks: make statistics-series RUNS=50
	STATISTICS_SERIES=$(or $(RUNS),50) STATISTICS_SERIES_FILE=/dev/stderr dotnet test --project tests/UrlShortener.Runtime.Tests $(DOTNET_FLAGS) --filter-class '*ClickHouseStatisticsSeriesTests'

manifests: ## Write the files that are made from others: crds/, the webhook of config/, and config/monitoring/prometheusrules.yaml
	@dotnet build operator/UrlShortener.Operator $(DOTNET_FLAGS) --verbosity quiet
	operator/UrlShortener.Operator/bin/$(CONFIGURATION)/net10.0/UrlShortener.Operator manifests .
	config/monitoring/prometheusrules.sh

crawlers: ## Take the bot rules of another release from npm: make crawlers VERSION=1.60.0 (npm, jq)
	runtime/UrlShortener.Runtime/Clicks/Crawlers/refresh.sh $(VERSION)

images: store-images ## Build the images of the runtime, the operator, PostgreSQL and Redis (docker, podman or buildah)
	$(IMAGE_TOOL) build $(IMAGE_FLAGS) -f runtime/Dockerfile -t $(IMAGE_PREFIX)url-shortener-runtime:$(IMAGE_TAG) .
	$(IMAGE_TOOL) build $(IMAGE_FLAGS) -f operator/Dockerfile -t $(IMAGE_PREFIX)url-shortener-operator:$(IMAGE_TAG) .

store-images: image-tool ## Build the images of PostgreSQL and Redis alone
	$(IMAGE_TOOL) build $(IMAGE_FLAGS) --build-arg POSTGRES_VERSION=$(POSTGRES_VERSION) -f config/images/postgres/Containerfile \
		-t $(IMAGE_PREFIX)url-shortener-postgres:$(POSTGRES_VERSION)-$(IMAGE_TAG) config/images/postgres
	$(IMAGE_TOOL) build $(IMAGE_FLAGS) -f config/images/redis/Containerfile -t $(IMAGE_PREFIX)url-shortener-redis:7-$(IMAGE_TAG) config/images/redis

image-tool:
	@test -n "$(IMAGE_TOOL)" || { echo "make images needs docker, podman or buildah; set IMAGE_TOOL to one that is elsewhere." >&2; exit 1; }

deploy: ## Install the operator in the cluster of the current kubeconfig, or upgrade it
	$(KUBECTL) apply -k .

e2e: ## Install in the cluster of the current kubeconfig, go through everything, and remove it again (docs/operator.md)
	E2E_OPERATOR_IMAGE=$(IMAGE_PREFIX)url-shortener-operator:$(IMAGE_TAG) E2E_RUNTIME_IMAGE=$(IMAGE_PREFIX)url-shortener-runtime:$(IMAGE_TAG) \
	E2E_NEXT_RUNTIME_IMAGE=$(IMAGE_PREFIX)url-shortener-runtime:$(NEXT_IMAGE_TAG) E2E_POSTGRES_IMAGE=$(POSTGRES_IMAGE) E2E_REDIS_IMAGE=$(REDIS_IMAGE) KUBECTL=$(KUBECTL) \
	E2E_STORE_POSTGRES_IMAGE=$(STORE_POSTGRES_IMAGE) E2E_STORE_REDIS_IMAGE=$(STORE_REDIS_IMAGE) \
	E2E_NEXT_STORE_POSTGRES_IMAGE=$(NEXT_STORE_POSTGRES_IMAGE) E2E_NEXT_STORE_REDIS_IMAGE=$(NEXT_STORE_REDIS_IMAGE) \
	E2E_NODES="$(NODES)" E2E_NODE_TOOL="$(NODE_TOOL)" E2E_PROMETHEUS_OPERATOR_CRDS="$(PROMETHEUS_OPERATOR_CRDS)" \
	dotnet test --project tests/UrlShortener.EndToEnd.Cluster.Tests --configuration $(CONFIGURATION) --output Detailed

# `dotnet run` hands flags that it does not know, such as --nologo, to the program.
LOAD = dotnet run --project tests/load --configuration $(CONFIGURATION) --no-build --

bench: ## Benchmarks, then loads on SQLite and on PostgreSQL with Redis, each against a floor, and the operator with 200 regions (wrk; about 25 minutes)
	dotnet build UrlShortener.sln $(DOTNET_FLAGS) --verbosity quiet
	dotnet run --project tests/benchmarks --configuration $(CONFIGURATION) --no-build -- --filter '*' --artifacts .artifacts/benchmarks
	$(LOAD) redirect --seconds 5 --rounds 9
	$(LOAD) create
	$(LOAD) flood --seconds 15
	$(LOAD) pictures --seconds 5 --rounds 3
	$(LOAD) servers
	$(LOAD) regions

.PHONY: build-load
build-load:
	dotnet build runtime/UrlShortener.Runtime $(DOTNET_FLAGS) --verbosity quiet
	dotnet build tests/floor $(DOTNET_FLAGS) --verbosity quiet
	dotnet build tests/load $(DOTNET_FLAGS) --verbosity quiet

load: TIME_SCALE = 0.05
load: RATE_SCALE = 0.01
load: build-load ## Constant load and spike of the specification, scaled by TIME_SCALE and RATE_SCALE (about 4 minutes; fails unless all holds)
	$(LOAD) scenario constant_load spike_test --time-scale $(TIME_SCALE) --rate-scale $(RATE_SCALE) $(LOAD_FLAGS)

soak: TIME_SCALE = 0.02
soak: RATE_SCALE = 0.02
soak: build-load ## Mixed load; memory, handles, threads and connections must not grow (5 minutes; 4 hours: TIME_SCALE=1)
	$(LOAD) scenario soak_test --no-floor --time-scale $(TIME_SCALE) --rate-scale $(RATE_SCALE) $(LOAD_FLAGS)

cost: build-load ## Processor time and bytes of a redirect, a create and a click, on SQLite and on PostgreSQL with Redis (4 minutes)
	$(LOAD) cost
	$(LOAD) cost --servers

dashboard: build-load ## Draw docs/service-dashboard.svg from what Prometheus sees of a load (13 minutes)
	$(LOAD) dashboard

clean: ## Remove what builds made; the data stays
	dotnet clean UrlShortener.sln $(DOTNET_FLAGS) --verbosity quiet
	rm -rf .artifacts TestResults
