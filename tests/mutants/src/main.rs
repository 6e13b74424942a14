//! Faults on purpose: how many of them do the tests notice?
//!
//! A fault (a mutant) is one small change of the source: `+` becomes `-`, a condition its opposite, a statement nothing.
//! All of them are compiled at once: a function with mutants becomes a `match` over the number of the active mutant,
//! each arm a copy of the body with one change ("mutant schemata", Untch, Offutt and Harrold, 1993). The environment
//! variable MUTANT chooses it at run time, so that one build serves thousands. A mutant meets only the tests that enter
//! its function.
//!
//! `cargo run --release -- [FILE ..]` takes files that `PACKAGES` has, else all of them, one package after the other.
//! It prints the mutants that survive; those in survivors.txt have a reason there, and any other makes the exit code 1.

mod mutate;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// A package of the repository, which of its files are to be mutated, and the tests of these: each build has cargo's flags
/// for it, and those that choose the tests (none choose all, and the examples, which a test starts).
struct Package {
    name: &'static str,
    files: &'static [&'static str],
    builds: &'static [(&'static [&'static str], &'static [&'static str])],
}

const PACKAGES: [Package; 3] = [
    Package {
        name: "tsukuru",
        files: &[
            "src/anomaly.rs",
            "src/graph.rs",
            "src/backward.rs",
            "src/ops",
            "src/optim",
            "src/optim.rs",
            "src/checkpoint.rs",
            "src/checkpoint",
            "src/nn/state.rs",
            "src/nn/module.rs",
        ],
        // The two widths of `Real`: only f64 has gradient checks, only f32 the fast kernels.
        builds: &[
            (&[], &[]),
            (&["--features", "f64"], &["--test", "gradcheck", "--test", "golden", "--test", "golden_layers"]),
        ],
    },
    Package {
        name: "steps",
        files: &["steps/step09/sampler.rs", "steps/step09/diffuser.rs"],
        builds: &[(&[], &["--lib", "--test", "step09", "--test", "step10"])],
    },
    Package {
        name: "steps",
        files: &["steps/em"],
        builds: &[(&[], &["--lib", "--test", "em", "--test", "step04_05"])],
    },
];
const WORKERS: usize = 2;

/// What a mutated source asks at the start of each function.
const ACTIVE: &str = r#"
pub fn active(function: u32) -> u32 {
    use std::{collections::BTreeSet, env, fs, io::Write, sync::{LazyLock, Mutex}};
    static ACTIVE: LazyLock<u32> = LazyLock::new(|| env::var("MUTANT").map_or(0, |id| id.parse().unwrap()));
    static SEEN: LazyLock<Option<Mutex<(BTreeSet<u32>, fs::File)>>> = LazyLock::new(|| {
        let path = env::var_os("MUTANTS_SEEN")?;
        let file = fs::OpenOptions::new().append(true).open(path).unwrap(); // as do the programs that a test starts
        Some(Mutex::new((BTreeSet::new(), file)))
    });
    if let Some(seen) = &*SEEN {
        let (functions, file) = &mut *seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if functions.insert(function) {
            writeln!(file, "{function}").unwrap();
        }
    }
    *ACTIVE
}
"#;

struct Mutant {
    id: usize,
    function: usize,
    /// File, function, and what became of the line: the same as long as the line is.
    name: String,
    line: usize,
}

/// A test, the functions that it enters, and how long it takes.
struct Test {
    program: PathBuf,
    name: String,
    enters: HashSet<usize>,
    time: Duration,
}

impl Package {
    /// The files that are to be mutated.
    fn sources(&self) -> Vec<String> {
        let listed = listed();
        let sources = listed.lines().filter(|file| file.ends_with(".rs") && is_in(file, self.files));
        sources.map(str::to_string).collect()
    }
}

/// The files of the repository, a line each.
fn listed() -> String {
    output(Command::new("git").args(["ls-files"]).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")))
}

fn main() {
    let wanted: Vec<String> = env::args().skip(1).collect();
    let sources: Vec<String> = PACKAGES.iter().flat_map(|package| package.sources()).collect();
    if let Some(file) = wanted.iter().find(|file| !sources.iter().any(|source| is_in(source, &[file]))) {
        eprintln!("{file}: expected a file, or a folder of files, that PACKAGES has");
        std::process::exit(2);
    }
    let unexplained: usize = PACKAGES.iter().map(|package| examine(package, &wanted)).sum();
    std::process::exit(i32::from(unexplained > 0));
}

/// Tries the mutants of a package in the `wanted` files, and prints those that survive. Returns how many of them have no
/// reason in survivors.txt.
fn examine(package: &Package, wanted: &[String]) -> usize {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (root, copy) = (own.join("../.."), own.join("target/copy"));
    let sources = package.sources();
    let chosen = sources.iter().filter(|file| wanted.is_empty() || is_in(file, wanted));
    let files: Vec<&str> = chosen.map(String::as_str).collect();
    if files.is_empty() {
        return 0;
    }
    let _ = fs::remove_dir_all(&copy); // of an earlier run, perhaps with files that are gone
    for file in listed().lines() {
        let to = copy.join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, fs::read(root.join(file)).unwrap()).unwrap();
    }
    fs::write(copy.join("src/mutant.rs"), ACTIVE).unwrap();
    for (lib, module) in [("src/lib.rs", "pub mod mutant;"), ("steps/lib.rs", "pub use tsukuru::mutant;")] {
        let source = fs::read_to_string(root.join(lib)).unwrap();
        fs::write(copy.join(lib), format!("{source}\n#[doc(hidden)]\n{module}\n")).unwrap();
    }

    let mut dropped = BTreeSet::new();
    let mutants = loop {
        let (mutants, lines) = write(&root, &copy, &files, &dropped);
        let mut wrong = package.builds.iter().map(|(flags, _)| uncompilable(&copy, package.name, flags, &lines));
        let Some(wrong) = wrong.find(|wrong| !wrong.is_empty()) else { break mutants };
        eprintln!("{}: {} mutants, of which {} do not compile", package.name, mutants.len(), wrong.len());
        dropped.extend(wrong);
    };
    let of_build = |(flags, names): &(&[&str], &[&str])| tests(&copy, package.name, flags, names);
    let mut tests: Vec<Test> = package.builds.iter().flat_map(of_build).collect();
    tests.sort_by_key(|test| test.time); // most mutants meet only the quickest
    eprintln!("{} tests take {:.0?} one by one", tests.len(), tests.iter().map(|t| t.time).sum::<Duration>());

    let (next, survivors) = (AtomicUsize::new(0), Mutex::new(vec![]));
    thread::scope(|scope| {
        let work = || {
            while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                if survives(mutant, &tests) {
                    eprintln!("survives: line {}, {}", mutant.line, mutant.name);
                    survivors.lock().unwrap().push(mutant);
                }
            }
        };
        (0..WORKERS).for_each(|_| drop(scope.spawn(work)));
    });
    let mut survivors = survivors.into_inner().unwrap();
    survivors.sort_by_key(|mutant| mutant.id);
    let reasons = fs::read_to_string(own.join("survivors.txt")).unwrap_or_default();
    let known: HashSet<&str> = reasons.lines().collect();
    let unexplained: Vec<_> = survivors.iter().filter(|mutant| !known.contains(mutant.name.as_str())).collect();
    let (all, left) = (mutants.len(), survivors.len());
    println!("{}: {all} mutants, {} noticed, {left} survive", package.name, all - left);
    unexplained.iter().for_each(|mutant| println!("no reason, line {}: {}", mutant.line, mutant.name));
    unexplained.len()
}

/// Whether one of the paths is the file's, or that of a folder around it.
fn is_in(file: &str, paths: &[impl AsRef<Path>]) -> bool {
    paths.iter().any(|path| Path::new(file).starts_with(path))
}

/// Writes the mutated files. Beside the mutants it returns, for each file, which lines belong to which mutant.
fn write(
    root: &Path,
    copy: &Path,
    files: &[&str],
    dropped: &BTreeSet<usize>,
) -> (Vec<Mutant>, BTreeMap<String, BTreeMap<usize, usize>>) {
    let (mut mutants, mut lines, mut id, mut function) = (vec![], BTreeMap::new(), 0, 0);
    for &file in files {
        let source = fs::read_to_string(root.join(file)).unwrap();
        let (mut out, mut end, mut own) = (String::new(), 0, BTreeMap::new());
        for f in mutate::functions(&source) {
            function += 1;
            // Copies of copies would take long to compile.
            out += &source[end..f.body.start].replace("#[inline(always)]", "");
            out += &format!("{{ match crate::mutant::active({function}) {{\n");
            for edit in &f.edits {
                id += 1;
                if dropped.contains(&id) {
                    continue;
                }
                let first = out.lines().count() + 1;
                let (before, after) = (&source[f.body.start..edit.at.start], &source[edit.at.end..f.body.end]);
                out += &format!("{id} => {{{before}{}{after}}},\n", edit.text);
                own.extend((first..=out.lines().count()).map(|line| (line, id)));
                mutants.push(Mutant {
                    id,
                    function,
                    name: name(file, &f.name, &source, edit),
                    line: line(&source, edit),
                });
            }
            out += &format!("_ => {},\n}} }}", &source[f.body.clone()]);
            end = f.body.end;
        }
        fs::write(copy.join(file), out + &source[end..]).unwrap();
        lines.insert(file.to_string(), own);
    }
    (mutants, lines)
}

fn line(source: &str, edit: &mutate::Edit) -> usize {
    source[..edit.at.start].matches('\n').count() + 1
}

/// `FILE FUNCTION: the rest of the line before {what was there -> what is there now} the rest after`
fn name(file: &str, function: &str, source: &str, edit: &mutate::Edit) -> String {
    let start = source[..edit.at.start].rfind('\n').map_or(0, |i| i + 1);
    let end = source[edit.at.end..].find('\n').map_or(source.len(), |i| edit.at.end + i);
    let (before, was, after) = (&source[start..edit.at.start], &source[edit.at.clone()], &source[edit.at.end..end]);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let name =
        format!("{file} {function}: {} {{{} -> {}}} {}", words(before), words(was), words(&edit.text), words(after));
    name.trim_end().to_string()
}

/// The mutants that the compiler refuses.
fn uncompilable(
    copy: &Path,
    package: &str,
    flags: &[&str],
    lines: &BTreeMap<String, BTreeMap<usize, usize>>,
) -> BTreeSet<usize> {
    let mut wrong = BTreeSet::new();
    for message in cargo(copy, &["check", "--lib", "--package", package], flags) {
        let error = &message["message"];
        if error["level"] != "error" || error["spans"].as_array().is_none_or(Vec::is_empty) {
            continue;
        }
        let spans = error["spans"].as_array().into_iter().flatten();
        let at = |span: &serde_json::Value| {
            let file = lines.get(span["file_name"].as_str()?)?;
            file.get(&(span["line_start"].as_u64()? as usize)).copied()
        };
        let found: Vec<usize> = spans.filter_map(at).collect();
        assert!(!found.is_empty(), "no mutant is the reason of: {}", error["rendered"].as_str().unwrap_or(""));
        wrong.extend(found);
    }
    wrong
}

/// These tests of a package, each run once alone.
fn tests(copy: &Path, package: &str, flags: &[&str], names: &[&str]) -> Vec<Test> {
    let mut tests = vec![];
    let messages = cargo(copy, &[&["test", "--no-run", "--package", package], names].concat(), flags);
    assert!(messages.iter().any(|message| message["success"] == true), "the tests of {package} do not compile");
    let of_tests = messages.iter().filter(|message| message["profile"]["test"] == true);
    for program in of_tests.filter_map(|message| message["executable"].as_str()) {
        for name in output(Command::new(program).args(["--list", "--format", "terse"])).lines() {
            let Some(name) = name.strip_suffix(": test") else { continue };
            let (seen, start) = (copy.join("seen"), Instant::now());
            fs::write(&seen, "").unwrap();
            let mut command = run(Path::new(program), name, Duration::MAX);
            assert!(command.env("MUTANTS_SEEN", &seen).status().unwrap().success(), "{name} fails without a fault");
            let enters = fs::read_to_string(&seen).unwrap().lines().map(|id| id.parse().unwrap()).collect();
            tests.push(Test { program: program.into(), name: name.to_string(), enters, time: start.elapsed() });
        }
    }
    tests
}

/// Whether every test that enters the mutant's function passes.
fn survives(mutant: &Mutant, tests: &[Test]) -> bool {
    tests.iter().filter(|test| test.enters.contains(&mutant.function)).all(|test| {
        let limit = 10 * test.time + Duration::from_secs(10); // a loop without end is noticed
        run(&test.program, &test.name, limit).env("MUTANT", mutant.id.to_string()).status().unwrap().success()
    })
}

/// A test alone, with at most 8 GB of memory. After the time `limit` it is killed with all that it started.
fn run(program: &Path, test: &str, limit: Duration) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 8000000; exec timeout --signal=KILL \"$0\" \"$@\""]);
    command.arg(limit.as_secs().to_string()).arg(program).args([test, "--exact"]);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("target/copy"));
    command.stdout(Stdio::null()).stderr(Stdio::null()).env("RAYON_NUM_THREADS", "1");
    command
}

fn cargo(copy: &Path, arguments: &[&str], flags: &[&str]) -> Vec<serde_json::Value> {
    let mut command = Command::new("cargo");
    command.args(arguments).args(flags).arg("--message-format=json").current_dir(copy);
    command.env("CARGO_TARGET_DIR", copy.with_file_name("build"));
    // A mutant may well be sure to panic.
    command.env("RUSTFLAGS", "-Awarnings -Aunconditional_panic -Aarithmetic_overflow");
    // So many copies take long to compile.
    command.envs([("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_PROFILE_DEV_LTO", "off")]);
    let text = output(&mut command);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn output(command: &mut Command) -> String {
    String::from_utf8(command.stderr(Stdio::inherit()).output().unwrap().stdout).unwrap()
}
