"""Times our kernels and models and PyTorch's in turn, and prints both side by side.

    python benches/peers/compare.py                          # everything
    python benches/peers/compare.py gemm_f32_1024 odd        # names that contain a word, and the group `odd`
    python benches/peers/compare.py --rounds 5 --markdown table.md ddpm

Every measurement is a process of its own; each figure is the median over the rounds of their medians. What ran while
the machine was slowed down is dropped, if other rounds ran at full speed.
"""
import argparse
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

CONVS = ["n128_64x64_28", "n128_192x64_28", "n128_384x128_14", "n128_256x256_7"]
NAMES = {  # bench: the names that PyTorch knows too
    "matmul": [f"gemm_f32_{n}{suffix}" for n in (256, 512, 1024, 2048) for suffix in ("", "_nt", "_tn")],
    "conv": [f"conv3x3_{passes}_{conv}" for conv in CONVS for passes in ("fwd", "fwdbwd")],
    "train_step": [
        "ddpm_train_step_b128", "ddpm_train_step_b64_3x32x32", "ddpm_denoise_step_b20", "flow_train_step_b128",
        "dit_train_step_b128", "vae_400_steps_b32", "hvae_400_steps_b32",
    ],
    "odd": (ROOT / "benches/odd.txt").read_text().split(),
}
CANDLE = "conv3x3_fwdbwd_n128_64x64_28"
VARIANTS = {
    "ddpm_train_step_b128": ["channels_last", "compile"],
    "ddpm_train_step_b64_3x32x32": ["channels_last", "compile"],
    "flow_train_step_b128": ["channels_last", "compile"],
    "dit_train_step_b128": ["compile"],
}
BF16 = "bf16"  # with numbers of 16 bits, so in columns of its own, for each that has variants
SLOWED = 0.85  # below this share of the best multiply-add rate the machine was slowed down, as in benches/harness


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("words", nargs="*", metavar="WORD", help="keep names that contain a word; `odd` is a group")
    options.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    options.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    options.add_argument("--candle", action="store_true", help="build and run candle's convolution too")
    args = options.parse_args()
    if importlib.util.find_spec("torch") is None:
        sys.exit(f"{sys.executable} has no PyTorch: pip install torch safetensors")
    if args.rounds < 1:
        sys.exit(f"--rounds {args.rounds}: expected at least 1")
    if args.markdown and not args.markdown.resolve().parent.is_dir():
        sys.exit(f"--markdown {args.markdown}: there is no such folder")
    plan = [(bench, names) for bench, all_names in NAMES.items() for names in processes(bench, all_names, args.words)]
    if not plan:
        sys.exit(f"no name contains {' or '.join(args.words)}")

    comparison = Comparison(candle=args.candle and build_candle())
    try:
        for number in range(args.rounds):
            for bench, names in plan:
                print(f"round {number + 1} of {args.rounds}: {', '.join(names)}"[:120], file=sys.stderr)
                comparison.measure(bench, names)
    except KeyboardInterrupt:
        if not comparison.medians:
            sys.exit("stopped before anything was measured")
        print("stopped: what there is so far", file=sys.stderr)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.cmd[0]} failed:\n{error.stderr.strip()}")
    header, rows = comparison.table()
    print(f"\n{text(header, rows)}\n\n{comparison.remarks()}")
    if args.markdown:
        args.markdown.write_text(f"{markdown(header, rows)}\n\n{comparison.remarks()}\n", encoding="utf-8")


def processes(bench, names, words):
    """Which names share a process: odd ones, which are short, all; others nothing."""
    names = [name for name in names if not words or bench == "odd" in words or any(word in name for word in words)]
    return [names] if names and bench == "odd" else [[name] for name in names]


class Comparison:
    def __init__(self, candle):
        self.benches, self.candle = build_ours(), candle
        self.medians = defaultdict(list)  # (peer, name): one per round, in seconds, and the rate around it
        self.flops = {}  # name: floating-point operations
        self.seen = defaultdict(list)  # peer: (multiply-add rate around it in GFLOP/s, dropped, repeats) of each median
        self.left_out = set()

    def measure(self, bench, names):
        self.measure_ours(bench, names)
        self.measure_peer("PyTorch", [sys.executable, HERE / "torch_peer.py", *names])
        for variant in (f"{name}_{variant}" for name in names if name in VARIANTS for variant in [*VARIANTS[name], BF16]):
            self.measure_peer("PyTorch", [sys.executable, HERE / "torch_peer.py", variant])
        if self.candle and CANDLE in names:
            self.measure_peer("candle", [self.candle])

    def measure_ours(self, bench, names):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "times.json")
            output([self.benches[bench], "--exact", *names, "--json", file])
            results = json.loads(file.read_text())
        for result in results:
            rate, seconds = result["peak_gflops"], result["median_s"]
            self.medians["ours", result["name"]].append((seconds, rate))
            self.flops[result["name"]] = result["share_of_peak"] * rate * 1e9 * seconds
            self.seen["ours"].append((rate, result["dropped"], result["repeats"]))

    def measure_peer(self, peer, command):
        """Between two looks at the multiply-add rate: peers do not look themselves."""
        before = self.rate()
        try:
            results = [json.loads(line) for line in output(command).splitlines()]
        except subprocess.CalledProcessError as error:
            reason = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
            self.left_out.add(f"{peer} is left out where it fails, in {Path(command[-1]).name}: {reason}")
            return
        rate = min(before, self.rate())
        for result in results:
            self.medians[peer, result["name"]].append((result["median_s"], rate))
            self.seen[peer].append((rate, 0, result["repeats"]))

    def rate(self):
        header = output([self.benches["matmul"], "--quick", "--exact", "nothing"])
        return float(re.search(r"multiply-add (\d+) GFLOP/s", header)[1])

    def peak(self):
        return max(rate for seen in self.seen.values() for rate, _, _ in seen)

    def table(self):
        """The header, and a row for each name; columns that would be empty are left out."""
        header = ["work", "ours", "PyTorch", "ratio", "best PyTorch", "ratio", "PyTorch bf16", "ratio", "GFLOP/s", "of peak", "candle", "ratio"]
        rows = []
        for name in [name for peer, name in self.medians if peer == "ours"]:
            ours, torch = self.median("ours", name), self.median("PyTorch", name)
            variants = {variant: self.median("PyTorch", f"{name}_{variant}") for variant in VARIANTS.get(name, [])}
            variants = {variant: time for variant, time in {"default": torch, **variants}.items() if time}
            best = min(variants, key=variants.get) if len(variants) > 1 else None
            bf16, candle = self.median("PyTorch", f"{name}_{BF16}"), self.median("candle", name)
            rate = self.flops[name] / ours / 1e9
            rows.append([
                name, seconds(ours), seconds(torch), ratio(ours, torch),
                f"{seconds(variants[best])} ({best})" if best else "", ratio(ours, variants.get(best)),
                seconds(bf16), ratio(ours, bf16),
                f"{rate:.1f}", f"{rate / self.peak():.0%}", seconds(candle), ratio(ours, candle),
            ])
        header, *rows = zip(*(column for column in zip(header, *rows) if any(column[1:])))
        return header, rows

    def median(self, peer, name):
        """Over the rounds; without those that ran slowed down, if others did not."""
        rounds = self.medians.get((peer, name), [])
        healthy = [seconds for seconds, rate in rounds if rate >= SLOWED * self.peak()]
        return median(healthy or [seconds for seconds, _ in rounds]) if rounds else None

    def remarks(self):
        lines = [
            f"Medians over the rounds of medians; a ratio is our time over theirs. PyTorch {version('torch')}. "
            f"The multiply-add rate of this machine was {self.peak():.0f} GFLOP/s at best."
        ]
        for peer, seen in self.seen.items():
            # A whole process may have been slow, its own look at the rate included.
            dropped = sum(repeats if rate < SLOWED * self.peak() else dropped for rate, dropped, repeats in seen)
            lines.append(f"Of {peer}: {dropped} of {sum(repeats for *_, repeats in seen)} repetitions ran slowed down.")
        return "\n".join(lines + sorted(self.left_out))


def build_ours():
    """The executables of our benches by name."""
    print("building", file=sys.stderr)
    benches = [word for bench in NAMES for word in ("--bench", bench)]
    command = ["cargo", "bench", "--locked", "--quiet", "--no-run", "--message-format=json", "--workspace", *benches]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if built.returncode:
        sys.exit("our benches cannot be built")
    artifacts = [json.loads(line) for line in built.stdout.splitlines()]
    return {a["target"]["name"]: a["executable"] for a in artifacts if "bench" in a.get("target", {}).get("kind", [])}


def build_candle():
    """The executable, or None and a sentence."""
    folder = ROOT / "target/peers"
    command = ["cargo", "build", "--locked", "--quiet", "--release", "--target-dir", folder]
    if subprocess.run([*command, "--manifest-path", HERE / "candle/Cargo.toml"]).returncode:
        print("candle cannot be built, and is left out", file=sys.stderr)
        return None
    return folder / "release/candle-peer"


def output(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def seconds(time):
    if time is None:
        return ""
    unit, scale = next((u, s) for u, s in (("s", 1), ("ms", 1e3), ("µs", 1e6)) if time * s >= 0.9995 or u == "µs")
    return f"{time * scale:.3g} {unit}"


def ratio(ours, theirs):
    return f"{ours / theirs:.2f}" if theirs else ""


def text(header, rows):
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    lines = [[cell.rjust(width) for cell, width in zip(row, widths)] for row in [header, *rows]]
    return "\n".join("  ".join([row[0].ljust(widths[0]), *line[1:]]) for row, line in zip([header, *rows], lines))


def markdown(header, rows):
    cells = [header, ["---"] + ["---:"] * (len(header) - 1), *([f"`{name}`", *row] for name, *row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


if __name__ == "__main__":
    main()
