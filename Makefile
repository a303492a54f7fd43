# Everything a developer does, a word each. `make help` lists them.

CONFIGURATION ?= Release
PORT ?= 8080
DATA ?= .data
RUNTIME = runtime/bin/$(CONFIGURATION)/net10.0/UrlShortener.Runtime
DOTNET_FLAGS = --configuration $(CONFIGURATION) --nologo

export DOTNET_CLI_TELEMETRY_OPTOUT = 1
export DOTNET_NOLOGO = 1

.DEFAULT_GOAL := help
.PHONY: help run build test check fmt bench clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-8s %s\n", $$1, $$2 }'
	@echo
	@echo "  make run PORT=9090 DATA=/some/folder   another port (8080) and data folder (.data)"

run: ## Build, and serve on http://localhost:8080 with the data in .data/
	@dotnet build runtime $(DOTNET_FLAGS) --verbosity quiet
	@exec $(RUNTIME) --urls http://localhost:$(PORT) --Storage:DataDirectory=$(abspath $(DATA))

build: ## Build everything
	dotnet build UrlShortener.sln $(DOTNET_FLAGS) --verbosity minimal

test: ## Build, and run every test; ends with a line "N passed, N failed, N skipped"
	@tests/run.sh $(CONFIGURATION)

check: ## What CI runs: formatting, then the tests
	dotnet format UrlShortener.sln --verify-no-changes
	@tests/run.sh $(CONFIGURATION)

fmt: ## Format the code
	dotnet format UrlShortener.sln

bench: ## Benchmarks, then redirects and creates against a bare Kestrel endpoint (wrk; about 6 minutes)
	dotnet build UrlShortener.sln $(DOTNET_FLAGS) --verbosity quiet
	dotnet run --project tests/benchmarks $(DOTNET_FLAGS) --no-build -- --filter '*' --artifacts .artifacts/benchmarks
	dotnet run --project tests/load $(DOTNET_FLAGS) --no-build -- redirect --seconds 5 --rounds 9
	dotnet run --project tests/load $(DOTNET_FLAGS) --no-build -- create

clean: ## Remove what builds made; the data stays
	dotnet clean UrlShortener.sln $(DOTNET_FLAGS) --verbosity quiet
	rm -rf .artifacts TestResults
