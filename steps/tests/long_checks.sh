#!/usr/bin/env bash
# Checks that take too long for the gate, more than an hour on two cores, on the real MNIST in the folder that TSUKURU_DATA
# names: the classifier of step 6 reads 99 % of the test images, and two epochs of steps 9 and 10 come near the losses that
# the book prints.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${TSUKURU_DATA:?name the folder that holds MNIST}"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# near STEP "PROGRAM AND FLAGS" EPOCH_1 EPOCH_2: the first epoch within 20 % of the book's loss, the second within 5 %.
near() {
    # shellcheck disable=SC2086 # flags are words
    cargo run --locked --release --bin "$1" -- $2 --epochs 2 --out "$out" | tee "$out/log"
    awk -v book="$3 $4" '
        BEGIN { split(book, loss, " "); split("20 5", percent, " ") }
        /^epoch [12]: / {
            epoch = $2 + 0
            off = 100 * ($4 / loss[epoch] - 1)
            printf "epoch %d: %s, the book has %s, %+.1f %% (at most %d %%)\n", epoch, $4 + 0, loss[epoch], off, percent[epoch]
            if (off > percent[epoch] || off < -percent[epoch]) wrong = 1
            count++
        }
        END { exit wrong || count != 2 }
    ' "$out/log"
}

cargo run --locked --release --bin step06 -- classifier --out "$out" | tee "$out/log"
awk '/^epoch 5: reads / { if ($4 < 99) exit 1; found = 1 } END { exit !found }' "$out/log"
near step09 "diffusion_model" 0.0462 0.0263
near step10 "conditional" 0.0491 0.0263
near step10 "classifier_free_guidance --book" 0.0506 0.0267
