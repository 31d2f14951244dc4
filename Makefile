# The commands of this project; `make` or `make help` lists them. Everything is a thin layer over tools/setup.sh,
# the CMake presets and ctest, which can be used by themselves (docs/building.md).
PYTHON ?= python3
MODEL  ?= models/SmolLM2-135M-Instruct.Q4_1.gguf
PROMPT ?= Explain in three sentences why the sky is blue at noon and red at sunset.
FUZZ_SECONDS ?= 60
# For make check: the files that clang-tidy looks at, or the word changed: those that differ from main. Empty: all.
TIDY ?=
# OFF: without LibTorch, so without AtenOps and the tests that compare with it; and nothing of it is downloaded.
ATEN ?= ON
FRUGAL := build/bin/frugal
export PYTHON PROMPT

CONFIGURE = cmake --preset $(1) --log-level=NOTICE -DFRUGAL_PYTHON="$$(command -v $(PYTHON))" $(2) >/dev/null
WITH_ATEN = -DFRUGAL_ATEN=$(ATEN)
SETUP = tools/setup.sh base $(if $(filter OFF,$(ATEN)),,torch) arrow model

.DEFAULT_GOAL := help
.PHONY: help setup build run test cases bench check format nightly asan tsan fuzz clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup:  ## install what is missing: packages, LibTorch, the default model
	@$(SETUP)

build:  ## the command, build/bin/frugal
	@tools/setup.sh base
	@$(call CONFIGURE,release,$(WITH_ATEN))
	@cmake --build build --target frugal

run: build  ## set up, build, answer a prompt, measure the speed, and put caches side by side
	@tools/setup.sh model
	@printf '\n> %s\n\n' "$$PROMPT"
	@$(FRUGAL) run $(MODEL) -p "$$PROMPT" -n 160
	@printf '\nSpeed, cache rows stored as float16 (f16) and as 8-bit blocks (q8):\n\n'
	@$(FRUGAL) bench $(MODEL) --prompt 256 --new 64 --depth 0,2048 --repeats 3 --kv f16 --kv q8
	@printf '\nCaches side by side: perplexity of a text, distance to the plain run, bytes:\n\n'
	@$(FRUGAL) compare $(MODEL) --text README.md --prefix 512 --tokens 1024 --kv f16 --kv q8 --kv "k:kivi(bits=2) | v:kivi(bits=2)" \
	  --kv "h2o(budget=20%)" --kv "streaming(sink=4,window=124)"

test:  ## set up, build everything, run all tests and end-to-end cases
	@$(SETUP)
	@$(call CONFIGURE,release,$(WITH_ATEN))
	@cmake --build build
	@ctest --preset release

cases: build  ## only the end-to-end cases of tests/cases, a line each
	@$(PYTHON) tests/run_cases.py --frugal $(FRUGAL) --model $(MODEL) tests/cases || [ $$? = 77 ]

bench: build  ## speed: prompt, decoding, at depth, in batches
	@tools/setup.sh model
	@$(FRUGAL) bench $(MODEL) --prompt 512 --new 128 --depth 0,4096 --batch 1,8 --repeats 5

check:  ## format, clang-tidy, and the test of the house's rules
	@tools/setup.sh base check
	@$(call CONFIGURE,release,$(WITH_ATEN))
	@$(PYTHON) tests/house_test.py
	@tools/check.sh build $(TIDY)

format:  ## clang-format all sources in place
	@git ls-files '*.cc' '*.h' | xargs clang-format -i

nightly: test  ## the tests, then every cache with every drafter (minutes)
	@FRUGAL_NIGHTLY=1 build/bin/test_engine --gtest_filter='*FullProduct*'

asan:  ## the tests under address and undefined-behaviour sanitizers
	@$(SETUP)
	@$(call CONFIGURE,asan,$(WITH_ATEN))
	@cmake --build build-asan && ctest --preset asan

tsan:  ## the tests under the thread sanitizer (without LibTorch)
	@tools/setup.sh base model
	@$(call CONFIGURE,tsan)
	@cmake --build build-tsan && ctest --preset tsan

fuzz:  ## each fuzz target for FUZZ_SECONDS (60)
	@tools/setup.sh base fuzz
	@$(call CONFIGURE,fuzz)
	@cmake --build build-fuzz --target tests/fuzz/all
	@tools/fuzz.sh build-fuzz $(FUZZ_SECONDS)

clean:  ## remove everything built; models and .venv stay
	rm -rf build build-*
