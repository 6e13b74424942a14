#!/usr/bin/env bash
# Checks that take too long for the gate, about half an hour on two cores, on the real MNIST in the folder that TSUKURU_DATA
# names: the classifier of step 6 reads 99 % of the test images, and two epochs of step 9 come near the losses that the book
# prints.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${TSUKURU_DATA:?name the folder that holds MNIST}"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cargo run --locked --release --bin step06 -- classifier --out "$out" | tee "$out/log"
awk '/^epoch 5: reads / { if ($4 < 99) exit 1; found = 1 } END { exit !found }' "$out/log"
cargo run --locked --release --bin step09 -- diffusion_model --epochs 2 --out "$out" | tee "$out/log"
awk '
    function near(epoch, loss, book, percent) {
        off = 100 * (loss / book - 1)
        printf "epoch %d: %s, the book has %s, %+.1f %% (at most %d %%)\n", epoch, loss, book, off, percent
        if (off > percent || off < -percent) wrong = 1
        count++
    }
    /^epoch 1: / { near(1, $4 + 0, 0.0462, 20) }
    /^epoch 2: / { near(2, $4 + 0, 0.0263, 5) }
    END { exit wrong || count != 2 }
' "$out/log"
