#!/bin/sh
# Builds the driver with the engine, once for each instruction set that this processor runs and each
# group of sanitizers, and runs it. Usage: run.sh PYTHON, one in which recur is installed.
set -eu
cd "$(dirname "$0")/../../.."
variants=$("$1" -c "from recur.engine.cpu import library; print(*library.runnable())")
targets=$(for variant in $variants; do echo "recur_cpu_$variant"; done)
for sanitizers in address,undefined thread; do
  build="build/sanitize/$sanitizers"
  mkdir -p "$build"
  {
    cmake -S . -B "$build" -Wno-dev -DSKBUILD_PROJECT_NAME=recur -DSKBUILD_PROJECT_VERSION=0 \
      -DRECUR_SANITIZE="$sanitizers" &&
      cmake --build "$build" --parallel "$(getconf _NPROCESSORS_ONLN)" --target $targets
  } >"$build/log" 2>&1 || { cat "$build/log"; exit 1; }
  for target in $targets; do "$build/$target" 40; done
done
