# The face of the build; Meson does the work. Each target installs the Debian packages it misses.
#
#   make            build              make test       8 minutes at most
#   make run        build and show     make test-full  with sanitizers, valgrind and the long tests
#   make install    PREFIX, DESTDIR    make bench     20 minutes; BENCH=--quick: 4
#   make model      the states of the fleet's protocol, 3 minutes
#   make fuzz | lint | clean

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 120
BENCH ?=
need = @scripts/need $$(scripts/packages $(1))

.PHONY: all configure run test test-full bench fuzz model lint install clean
.NOTPARALLEL:

all: configure
	@ninja -C $(BUILD) $$([ -t 1 ] || echo --quiet)

configure:
	$(call need,build)
	@scripts/configure $(BUILD) "$(PREFIX)"

run: all
	$(call need,run)
	@scripts/run $(BUILD)

test: all
	$(call need,test)
	@scripts/test $(BUILD)

test-full: all
	$(call need,full test)
	@scripts/test-full $(BUILD)

bench: all
	$(call need,bench)
	@scripts/bench $(BUILD) $(BENCH)

fuzz:
	$(call need,build fuzz)
	@scripts/fuzz build-fuzz $(FUZZ_SECONDS)

model:
	$(call need,model)
	@scripts/model build-model

lint: all
	$(call need,lint)
	@scripts/lint $(BUILD)

install: all
	@DESTDIR="$(DESTDIR)" meson install -C $(BUILD) --no-rebuild --quiet

clean:
	@rm -rf build build-*
