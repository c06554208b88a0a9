#!/usr/bin/env bash
# Holds the edges of the crate graph: who may import whom, and which outside crates live in which room.
set -euo pipefail
cd "$(dirname "$0")/.."
fail=0
# Lists the keys of [dependencies] of a crate.
dependencies() { sed -n '/^\[dependencies\]/,/^\[/p' "$1/Cargo.toml" | sed -n 's/^\([a-z0-9_-]*\)\(\.workspace\)\{0,1\} *=.*/\1/p'; }
forbid() { # crate, pattern, reason
  local found
  found=$(dependencies "$1" | grep -xE "$2" || true)
  if [ -n "$found" ]; then echo "crate $1 may not depend on: $found ($3)" >&2; fail=1; fi
}
forbid engine 'catalog|sql|wire|strata|tokio.*|datafusion.*|sqlparser|pgwire' 'engine knows bytes, ids and time'
forbid catalog 'sql|wire|strata|tokio.*|datafusion.*|sqlparser|pgwire' 'catalog imports engine only'
forbid sql 'wire|strata|pgwire|tokio-rustls' 'sql does not know the wire'
forbid wire 'catalog|engine|strata|datafusion.*|sqlparser|arrow.*' 'wire sees sql::session only'
forbid conformance 'engine|catalog|sql|wire|strata' 'conformance works over the socket'
forbid bench 'engine|catalog|sql|wire|strata' 'bench works over the socket'
# DataFusion stays where operators are built and run.
stray=$(grep -rlE '\bdatafusion_' sql/src --include='*.rs' | grep -vE '^sql/src/(plan|execute|evaluate|session)/' || true)
if [ -n "$stray" ]; then echo "DataFusion outside plan, execute, evaluate, session: $stray" >&2; fail=1; fi
# FAISS stays in one folder.
stray=$(grep -rlE 'faiss_sys|strata_faiss' engine sql/src catalog/src wire/src src --include='*.rs' --include='*.cpp' | grep -v '^engine/src/vector/faiss/' || true)
stray=$(echo "$stray" | grep -v '^engine/build.rs$' || true)
if [ -n "$stray" ]; then echo "FAISS outside engine/src/vector/faiss: $stray" >&2; fail=1; fi
[ "$(grep -c '^name = "arrow-array"' Cargo.lock)" = 1 ] || { echo "more than one arrow-array in the lock file" >&2; fail=1; }
exit $fail
