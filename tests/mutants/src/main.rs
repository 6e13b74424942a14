//! Faults on purpose: how many of them do the tests notice?
//!
//! A fault (a mutant) is one small change of the source: `+` becomes `-`, a condition its opposite, a statement nothing.
//! All of them are compiled at once: a function with mutants becomes a `match` over the number of the active mutant,
//! each arm a copy of the body with one change ("mutant schemata", Untch, Offutt and Harrold, 1993). The environment
//! variable MUTANT chooses it at run time, so that one build serves thousands. A mutant meets only the tests that enter
//! its function.
//!
//! `cargo run --release -- [FILE ..]` takes files of the repository, else all of `FILES`. It prints the mutants that
//! survive; those in survivors.txt have a reason there, and any other makes the exit code 1.

mod mutate;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

const FILES: &[&str] = &[
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
];
/// The two widths of `Real`, and their tests: only f64 has gradient checks, only f32 the fast kernels.
const WIDTHS: [(&[&str], &[&str]); 2] = [
    (&[], &["--lib", "--tests"]),
    (&["--features", "f64"], &["--test", "gradcheck", "--test", "golden", "--test", "golden_layers"]),
];
const WORKERS: usize = 2;

/// What a mutated source asks at the start of each function.
const ACTIVE: &str = r#"
pub fn active(function: u32) -> u32 {
    use std::{collections::BTreeSet, env, fs, io::Write, sync::{LazyLock, Mutex}};
    static ACTIVE: LazyLock<u32> = LazyLock::new(|| env::var("MUTANT").map_or(0, |id| id.parse().unwrap()));
    static SEEN: LazyLock<Option<Mutex<(BTreeSet<u32>, fs::File)>>> = LazyLock::new(|| {
        let path = env::var_os("MUTANTS_SEEN")?;
        Some(Mutex::new((BTreeSet::new(), fs::File::create(path).unwrap())))
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

fn main() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (root, copy) = (own.join("../.."), own.join("target/copy"));
    let listed = output(Command::new("git").args(["ls-files"]).current_dir(&root));
    for file in listed.lines() {
        let to = copy.join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, fs::read(root.join(file)).unwrap()).unwrap();
    }
    let wanted: Vec<String> = env::args().skip(1).collect();
    let wanted = if wanted.is_empty() { FILES.iter().map(ToString::to_string).collect() } else { wanted };
    let is_wanted = |file: &&str| file.ends_with(".rs") && wanted.iter().any(|w| Path::new(file).starts_with(w));
    let files: Vec<&str> = listed.lines().filter(is_wanted).collect();
    let lib = fs::read_to_string(root.join("src/lib.rs")).unwrap();
    fs::write(copy.join("src/lib.rs"), format!("{lib}\n#[doc(hidden)]\npub mod mutant;\n")).unwrap();
    fs::write(copy.join("src/mutant.rs"), ACTIVE).unwrap();

    let mut dropped = BTreeSet::new();
    let mutants = loop {
        let (mutants, lines) = write(&root, &copy, &files, &dropped);
        let wrong = WIDTHS.iter().map(|(width, _)| uncompilable(&copy, width, &lines)).find(|wrong| !wrong.is_empty());
        let Some(wrong) = wrong else { break mutants };
        eprintln!("{} mutants, of which {} do not compile", mutants.len(), wrong.len());
        dropped.extend(wrong);
    };
    let tests: Vec<Test> = WIDTHS.iter().flat_map(|(width, names)| tests(&copy, width, names)).collect();
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
    let known: HashSet<&str> = reasons.lines().filter(|line| line.starts_with("src/")).collect();
    let unexplained: Vec<_> = survivors.iter().filter(|mutant| !known.contains(mutant.name.as_str())).collect();
    println!("{} mutants, {} noticed, {} survive", mutants.len(), mutants.len() - survivors.len(), survivors.len());
    unexplained.iter().for_each(|mutant| println!("no reason, line {}: {}", mutant.line, mutant.name));
    std::process::exit(i32::from(!unexplained.is_empty()));
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
            out += &source[end..f.body.start];
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
fn uncompilable(copy: &Path, width: &[&str], lines: &BTreeMap<String, BTreeMap<usize, usize>>) -> BTreeSet<usize> {
    let mut wrong = BTreeSet::new();
    for message in cargo(copy, &["check", "--package", "tsukuru"], width) {
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

/// These tests of the engine, each run once alone.
fn tests(copy: &Path, width: &[&str], names: &[&str]) -> Vec<Test> {
    let mut tests = vec![];
    let messages = cargo(copy, &[&["test", "--no-run", "--package", "tsukuru"], names].concat(), width);
    for program in messages.iter().filter_map(|message| message["executable"].as_str()) {
        for name in output(Command::new(program).args(["--list", "--format", "terse"])).lines() {
            let Some(name) = name.strip_suffix(": test") else { continue };
            let (seen, start) = (copy.join("seen"), Instant::now());
            fs::write(&seen, "").unwrap();
            let mut command = test(Path::new(program), &[name]);
            assert!(command.env("MUTANTS_SEEN", &seen).status().unwrap().success(), "{name} fails without a fault");
            let enters = fs::read_to_string(&seen).unwrap().lines().map(|id| id.parse().unwrap()).collect();
            tests.push(Test { program: program.into(), name: name.to_string(), enters, time: start.elapsed() });
        }
    }
    tests
}

/// Whether every test that enters the mutant's function passes.
fn survives(mutant: &Mutant, tests: &[Test]) -> bool {
    let mut programs: BTreeMap<&Path, (Duration, Vec<&str>)> = BTreeMap::new();
    for test in tests.iter().filter(|test| test.enters.contains(&mutant.function)) {
        let (time, names) = programs.entry(&test.program).or_default();
        *time += test.time;
        names.push(&test.name);
    }
    let mut programs: Vec<_> = programs.into_iter().collect();
    programs.sort_by_key(|(_, (time, _))| *time);
    programs.into_iter().all(|(program, (time, names))| {
        let mut child = test(program, &names).env("MUTANT", mutant.id.to_string()).spawn().unwrap();
        let end = Instant::now() + 10 * time + Duration::from_secs(10);
        loop {
            match child.try_wait().unwrap() {
                Some(status) => break status.success(),
                None if Instant::now() > end => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    break false; // a loop without end is noticed
                }
                None => thread::sleep(Duration::from_millis(2)),
            }
        }
    })
}

/// These tests of a program, with at most 8 GB of memory.
fn test(program: &Path, names: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 8000000; exec \"$0\" \"$@\""]).arg(program).args(names).arg("--exact");
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("target/copy"));
    command.stdout(Stdio::null()).stderr(Stdio::null()).env("RAYON_NUM_THREADS", "1");
    command
}

fn cargo(copy: &Path, arguments: &[&str], width: &[&str]) -> Vec<serde_json::Value> {
    let mut command = Command::new("cargo");
    command.args(arguments).args(width).arg("--message-format=json").current_dir(copy).env("RUSTFLAGS", "-Awarnings");
    let text = output(command.env("CARGO_TARGET_DIR", copy.with_file_name("build")).stderr(Stdio::null()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn output(command: &mut Command) -> String {
    String::from_utf8(command.stderr(Stdio::inherit()).output().unwrap().stdout).unwrap()
}
