#!/usr/bin/env bash
# Runs every command that stands in a shell block of the documentation, as it stands there, in its smoke form.
set -euo pipefail
cd "$(dirname "$0")/../.."
repository=$PWD
export TSUKURU_SMOKE=1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
ln -s "$repository/docs" "$out/docs" # pictures to learn from
count=0
while IFS=$'\t' read -r file command; do
    case $command in
        *"--bin fetch"*) continue ;;   # needs a network; its own test serves files from a folder
        "cargo install"*|"cargo +nightly"*|*python*) continue ;; # needs a nightly compiler, or PyTorch
        "git clone"*|"cargo test"*|".ci/run"*|"cd "*) continue ;; # the gate itself runs the tests
    esac
    echo "-- $file: $command"
    # What commands write goes to a folder that is taken away, and they find there what earlier ones wrote.
    there=${command//cargo run/cargo run --locked --quiet --manifest-path "$repository/Cargo.toml"}
    there=${there//cargo bench/cargo bench --locked --quiet --manifest-path "$repository/Cargo.toml"}
    (cd "$out" && bash -euc "$there" </dev/null >"$out/log" 2>&1) || {
        cat "$out/log"
        echo "FAILED: $command ($file)"
        exit 1
    }
    count=$((count + 1))
done < <(git ls-files '*.md' | while read -r file; do
    awk -v file="$file" '/^```/ { inside = ($0 ~ /^```(sh|console|bash)/) && !inside; next } inside && NF { sub(/^\$ /, ""); sub(/[ \t]+#.*/, ""); print file "\t" $0 }' "$file"
done)
[ "$count" -gt 0 ] || { echo "no command found"; exit 1; }
echo "$count quoted commands ran"
