#!/bin/sh
# Runs a C++ compiler, through ccache where that is installed: FAISS takes minutes to build.
if command -v ccache >/dev/null 2>&1; then exec ccache "$@"; fi
exec "$@"
