#!/usr/bin/env bash
# The same bits on other processors: runs steps/tests/same_bits.rs with NEON, under an emulator of AArch64, and as
# WebAssembly, in Node.js. It needs the standard library of both targets,
#     rustup target add aarch64-unknown-linux-gnu wasm32-wasip1
# node, and of Debian gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user. Debian's own Rust will do: cargo, rustc,
# libstd-rust-dev:arm64, libstd-rust-dev-wasm32 and lld, with CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
export CARGO_TARGET_WASM32_WASIP1_RUNNER="node --no-warnings $PWD/steps/tests/wasi.mjs"
for target in aarch64-unknown-linux-gnu wasm32-wasip1; do
    cargo test --locked --release --package steps --test same_bits --target "$target"
done
