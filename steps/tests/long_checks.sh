#!/usr/bin/env bash
# Checks that take too long for the gate, about an hour on two cores, on the real MNIST in the folder that TSUKURU_DATA
# names: the classifier of step 6 has an accuracy of 99 % on the test images, the autoencoders of steps 7 and 8 come near every loss
# that the book prints, two epochs of steps 9 and 10 near its first two; the quick form of step 9 draws the picture in README, and
# digits that the classifier is sure of; memory stays flat in long trainings; and the trainings survive 300 kills.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${TSUKURU_DATA:?name the folder that holds MNIST}"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# near STEP "PROGRAM AND FLAGS" "20% LOSS 5% LOSS ..": the book's loss of each epoch, after how far away ours may be.
near() {
    # shellcheck disable=SC2086 # flags are words
    cargo run --locked --release --bin "$1" -- $2 --out "$out" | tee "$out/log"
    awk -v book="${3//$'\n'/}" '
        BEGIN {
            words = split(book, word, " ")
            for (i = 1; i <= words; i++) {
                if (word[i] ~ /%$/) { most = word[i] + 0 } else { loss[++epochs] = word[i]; percent[epochs] = most }
            }
        }
        /^epoch [0-9]+: loss / {
            epoch = $2 + 0
            off = 100 * ($4 / loss[epoch] - 1)
            printf "epoch %d: %s, the book has %s, %+.2f %% (at most %s %%)\n", epoch, $4 + 0, loss[epoch], off, percent[epoch]
            if (off > percent[epoch] || off < -percent[epoch]) wrong = 1
            count++
        }
        END { exit wrong || count != epochs }
    ' "$out/log"
}

cargo test --locked --release --package steps --test training_memory -- --ignored --nocapture
cargo run --locked --release --bin step06 -- classifier --out "$out" | tee "$out/log"
awk '/^epoch 5: accuracy / { if ($4 < 99) exit 1; found = 1 } END { exit !found }' "$out/log"
for data in built-in "$TSUKURU_DATA"; do
    quick="$out/quick_$(basename "$data")"
    cargo run --locked --release --bin step09 -- --data "$data" --out "$quick"
    cargo run --locked --release --bin step09 -- sample --count 1000 --out "$quick" \
        --model "$quick/step09/diffusion_model_quick/model.safetensors" \
        --classifier "$out/step06/classifier/model.safetensors" | tee "$out/log"
    awk '/^mean confidence: / { if ($3 < 0.95) exit 1; found = 1 } END { exit !found }' "$out/log"
done
cmp docs/quick_samples.png "$out/quick_built-in/step09/diffusion_model_quick/samples/epoch_005.png"
near step07 vae "2.5% 54.05 45.28 43.45 42.35 41.60 41.10 40.69 40.43 40.17 39.97 39.85 39.72 39.59 39.52 39.36 39.27 39.26
    39.12 39.10 39.03 38.97 38.88 38.87 38.78 38.77 38.71 38.68 38.62 38.60 1% 38.60"
near step08 hvae "2.5% 49.70 42.94 41.39 40.73 40.32 40.07 39.88 39.75 39.60 39.53 39.46 39.41 39.31 39.25 39.24 39.16 39.14
    39.10 39.10 39.03 39.00 38.97 38.98 38.92 38.93 38.89 38.87 38.89 38.81 1% 38.86"
near step09 "diffusion_model --epochs 2" "20% 0.0462 5% 0.0263"
near step10 "conditional --epochs 2" "20% 0.0491 5% 0.0263"
near step10 "classifier_free_guidance --book --epochs 2" "20% 0.0506 5% 0.0267"
# Killed 300 times, the trainings of steps 6 to 10 leave the bytes of unbroken ones.
TSUKURU_KILLS=300 cargo test --locked --release --package steps --test nothing_lost kills -- --nocapture
