//! What all programs of the course have in common: which flags they take, and that nobody has to read what they print.

mod program;

use program::{fails, folder, plain_loops, succeeds};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The binary of a step.
fn binary(step: &str) -> &'static str {
    match step {
        "step01" => env!("CARGO_BIN_EXE_step01"),
        "step02" => env!("CARGO_BIN_EXE_step02"),
        "step03" => env!("CARGO_BIN_EXE_step03"),
        "step04" => env!("CARGO_BIN_EXE_step04"),
        "step05" => env!("CARGO_BIN_EXE_step05"),
        "step06" => env!("CARGO_BIN_EXE_step06"),
        "step07" => env!("CARGO_BIN_EXE_step07"),
        "step08" => env!("CARGO_BIN_EXE_step08"),
        "step09" => env!("CARGO_BIN_EXE_step09"),
        "step10" => env!("CARGO_BIN_EXE_step10"),
        "step11" => env!("CARGO_BIN_EXE_step11"),
        _ => env!("CARGO_BIN_EXE_step12"),
    }
}

/// The programs of each step by the flags that they have a use for.
const BOTH: [(&str, &[&str]); 11] = [
    ("step02", &["generate"]),
    ("step05", &["em", "generate"]),
    ("step06", &["vision", "classifier"]),
    ("step07", &["vae", "latent", "evaluate", "e_step"]),
    ("step08", &["hvae", "forward_process"]),
    ("step09", &["diffusion_model", "sample"]),
    ("step10", &["conditional", "classifier_free_guidance"]),
    ("step10", &["classifier_guidance", "sample"]),
    ("step10", &["inpaint", "sdedit"]),
    ("step11", &["flow", "objectives", "transformer", "sample"]),
    ("step12", &["vae", "unet", "likelihoods"]),
];
const DATA: [(&str, &[&str]); 4] = [
    ("step02", &["hist", "fit", "prob"]),
    ("step03", &["plot_dataset", "mle"]),
    ("step04", &["old_faithful"]),
    ("step10", &["interpolate"]),
];
const SEED: [(&str, &[&str]); 7] = [
    ("step01", &["sample_avg", "sample_sum"]),
    ("step04", &["gmm_sampling"]),
    ("step05", &["monte_carlo"]),
    ("step08", &["elbo"]),
    ("step09", &["gaussian_noise"]),
    ("step11", &["flow_2d"]),
    ("step12", &["gaussian"]),
];
const NEITHER: [(&str, &[&str]); 6] = [
    ("step01", &["norm_dist", "norm_param"]),
    ("step03", &["array_basis", "matrix", "plot_3d", "plot_norm"]),
    ("step04", &["gmm", "two_groups"]),
    ("step05", &["kl"]),
    ("step06", &["tensor", "gradient", "regression", "neuralnet", "higher_order", "gmm_by_gradient"]),
    ("step09", &["simple_unet"]),
];

/// Each program with its step.
fn pairs(programs: &[(&'static str, &[&'static str])]) -> Vec<(&'static str, &'static str)> {
    programs.iter().flat_map(|(step, names)| names.iter().map(|name| (*step, *name))).collect()
}

#[test]
fn the_lists_above_hold_every_program() {
    let folder = folder();
    let listed = [pairs(&BOTH), pairs(&DATA), pairs(&SEED), pairs(&NEITHER)].concat();
    for step in (1..=11).map(|i| format!("step{i:02}")) {
        let help = succeeds(binary(&step), folder.path(), "--help");
        let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let names = commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
        let names: Vec<&str> = names.collect();
        assert!(!names.is_empty(), "{help}");
        for name in &names {
            assert!(listed.contains(&(&step, name)), "{step} {name}");
        }
        assert_eq!(listed.iter().filter(|(of, _)| *of == step).count(), names.len(), "{step}");
    }
}

#[test]
fn a_flag_that_a_program_ignores_is_refused_and_not_in_its_help() {
    let folder = folder();
    let lists = [(pairs(&BOTH), true, true), (pairs(&DATA), true, false), (pairs(&SEED), false, true)];
    for (programs, data, seed) in lists.into_iter().chain([(pairs(&NEITHER), false, false)]) {
        for (step, name) in programs {
            let help = succeeds(binary(step), folder.path(), &format!("{name} --help"));
            for (flag, takes) in [("--data", data), ("--seed", seed)] {
                assert_eq!(help.contains(flag), takes, "{step} {name}: {help}");
                if !takes && (flag == "--seed" || step != "step01") {
                    let expected = format!("{name} takes no {flag}: it ");
                    fails(binary(step), folder.path(), &format!("{name} {flag} 1"), &[&expected]);
                    fails(binary(step), folder.path(), &format!("{flag} 1 {name}"), &[&expected]);
                }
            }
        }
    }
    fails(binary("step03"), folder.path(), "--seed 1", &["step03 takes no --seed: it draws no random numbers"]);
    assert!(!succeeds(binary("step03"), folder.path(), "--help").contains("--seed"));
}

/// A program that takes `--data` reads there, and prints or draws something else with another `--seed`.
#[test]
fn a_flag_that_a_program_takes_has_an_effect() {
    let folder = folder();
    for (step, name) in [pairs(&BOTH), pairs(&DATA)].concat().into_iter().filter(|(_, name)| *name != "sample") {
        fails(binary(step), folder.path(), &format!("{name} --data nowhere"), &["nowhere"]);
    }
    let quick = |(_, name): &(&str, &str)| !["classifier", "elbo"].contains(name);
    for (step, name) in [pairs(&SEED), pairs(&BOTH[..3])].concat().into_iter().filter(quick) {
        let run = |seed: u32| {
            let said = succeeds(binary(step), folder.path(), &format!("{name} --seed {seed} --out {seed}"));
            let drawn = fs::read_dir(folder.path().join(format!("{seed}/{step}/{name}"))).expect("a folder");
            let mut drawn: Vec<_> = drawn.map(|file| fs::read(file.expect("a file").path()).expect("a file")).collect();
            drawn.sort();
            (said.replace(&format!("{seed}/step"), "step"), drawn)
        };
        assert!(run(0) != run(1), "{step} {name}");
    }
}

#[test]
fn a_flag_of_a_program_is_explained_where_it_stands_alone() {
    let folder = folder();
    let says = |step: &str, args: &str, expected: &str| fails(binary(step), folder.path(), args, &[expected]);
    let start = "cargo run --release --bin";
    says("step06", "--lr=1", &format!("classifier takes --lr: {start} step06 -- classifier --lr=1"));
    says("step07", "--latent 2", &format!("vae takes --latent: {start} step07 -- vae --latent 2"));
    says("step08", "--quick", &format!("hvae takes --quick: {start} step08 -- hvae --quick"));
    let expected = format!("diffusion_model takes --epochs: {start} step09 -- diffusion_model --epochs 3 --out x");
    says("step09", "--epochs 3 --out x", &expected);
    says("step09", "gaussian_noise --epochs 3 --out x", &expected);
    says("step07", "--epochs 1 --lr 1", &format!("vae takes --epochs: {start} step07 -- vae --epochs 1 --lr 1"));
    says("step07", "--lr 1 --images 5", "vae takes --lr; evaluate takes --images");
    says("step09", "--resume simple_unet", "simple_unet takes no --resume: it trains nothing");
    let expected = "conditional, classifier_free_guidance, classifier_guidance take --epochs: ";
    says("step10", "--epochs 3", &format!("{expected}{start} step10 -- conditional --epochs 3"));
}

/// The standard streams as a shell says it: nobody reads them, they are full, they are closed.
const STREAMS: [&str; 4] = ["2>&1 | :", ">/dev/full 2>/dev/full", "<&- >&- 2>&-", ">/dev/full 2>&-"];

/// The exit code of `PROGRAM ARGS`. That of what stands before a pipe is not the shell's.
fn unread(streams: &str, binary: &str, folder: &Path, args: &str) -> String {
    let mut shell = program::command("sh", folder, "-c");
    shell.arg(format!("{{ {binary} {args}; echo $? >code; }} {streams}")).stderr(Stdio::null());
    shell.status().expect("a shell");
    fs::read_to_string(folder.join("code")).expect("a code").trim().to_string()
}

#[test]
fn a_program_that_nobody_reads_writes_its_results_and_ends_quietly() {
    // What is printed does not depend on the kernels.
    let streams = if plain_loops() { &STREAMS[..1] } else { &STREAMS };
    for &streams in streams {
        let folder = folder();
        let run = |binary: &str, args: &str| unread(streams, binary, folder.path(), args);
        for (step, written) in [
            ("step01", "sample_sum/sample_sum.svg"),
            ("step02", "prob/prob.svg"),
            ("step03", "mle/mle.svg"),
            ("step04", "two_groups/two_groups.svg"),
            ("step05", "generate/generate.svg"),
            ("step06", "classifier_quick/model.safetensors"),
            ("step07", "e_step/posterior.svg"),
            ("step08", "elbo/elbo.svg"),
            ("step09", "diffusion_model_quick/model.safetensors"),
            ("step10", "classifier_guidance_quick/model.safetensors"),
            ("step11", "flow_2d/particles.gif"),
            ("step12", "likelihoods/likelihoods.svg"),
        ] {
            assert_eq!(run(binary(step), ""), "0", "{step} {streams}");
            assert!(folder.path().join("out").join(step).join(written).exists(), "{step} {streams}: no {written}");
            assert_eq!(run(binary(step), "--out /dev/null/nowhere"), "1", "{step} {streams}, an error");
            assert_eq!(run(binary(step), "--wrong"), "1", "{step} {streams}, a wrong flag");
            assert_eq!(run(binary(step), "--help"), "0", "{step} {streams}, help");
        }
        assert_eq!(run(binary("step10"), "conditional"), "0", "{streams}");
        for step in ["step09", "step10"] {
            let model = "out/step10/classifier_free_guidance_quick/model.safetensors";
            assert_eq!(run(binary(step), &format!("sample --model {model} --count 2")), "0", "{step} {streams}");
            assert!(folder.path().join("out").join(step).join("sample/samples.png").exists(), "{step} {streams}");
        }
        let (digits, fetch) = (env!("CARGO_BIN_EXE_digits"), env!("CARGO_BIN_EXE_fetch"));
        assert_eq!(run(digits, "--count 20"), "0", "{streams}");
        assert!(folder.path().join("out/digits/t10k-labels-idx1-ubyte.gz").exists(), "{streams}");
        assert_eq!(run(digits, "--count 20"), "1", "{streams}: they are there already");
        assert_eq!(run(&format!("env PATH=. {fetch}"), "--into ."), "1", "{streams}: there is no curl");
    }
}

/// Results are no part of the repository, in whatever folder a program is run.
#[test]
fn git_ignores_every_folder_out() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let git = |path: &str| Command::new("git").args(["check-ignore", "-q", path]).current_dir(repository).status();
    let Ok(ignored) = git("out/step01/norm_dist/norm_dist.svg") else { return }; // no git here
    if ignored.code() == Some(128) {
        return; // not a repository, but a copy of its files
    }
    for path in ["out/a.svg", "steps/out/a.svg", "steps/step09/out/a.svg", "docs/out/step01/a.svg"] {
        assert!(git(path).expect("git").success(), "{path}");
    }
    assert!(!git("steps/step09/mod.rs").expect("git").success());
}
