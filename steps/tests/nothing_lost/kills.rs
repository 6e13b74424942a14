//! `kill -9` at random moments of each training, and while it writes. `TSUKURU_KILLS=200` makes so many.

use super::*;
use std::os::unix::process::ExitStatusExt;
use std::time::Instant;
use tsukuru::random::Rng;

/// When a run is ended.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after its start.
    After(Duration),
    /// When it begins to write this file, counted from 0, and so long after.
    Writing(usize, Duration),
}

/// Sends a signal at this moment, if the run has not come to its end before. Returns whether SIGKILL has ended it.
fn end(mut child: Child, signal: &str, moment: Moment, run: &Path) -> bool {
    let (start, mut seen) = (Instant::now(), vec![]);
    while child.try_wait().expect("it runs").is_none() {
        let now = match moment {
            Moment::After(time) => start.elapsed() >= time,
            Moment::Writing(file, time) => {
                let new: Vec<PathBuf> = parts(run).into_iter().filter(|part| !seen.contains(part)).collect();
                seen.extend(new);
                let now = seen.len() > file;
                sleep(if now { time } else { Duration::ZERO });
                now
            }
        };
        if now {
            Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status().expect("kill");
            break;
        }
        sleep(Duration::from_micros(100));
    }
    child.wait().expect("it ends").signal() == Some(9)
}

#[test]
fn a_killed_training_leaves_the_bytes_of_an_unbroken_one() {
    let wanted: usize = std::env::var("TSUKURU_KILLS").map_or(10, |kills| kills.parse().expect("a number"));
    let folder = folder();
    let trainings = trainings();
    let unbroken = Vec::from_iter(trainings.iter().map(|training| {
        let start = Instant::now();
        training.succeeds(folder.path(), "unbroken", "");
        (results(&training.run(folder.path(), "unbroken")), start.elapsed())
    }));
    let rng = &mut Rng::new(0, "kills", 0);
    let (mut trials, mut kills, mut half_written) = (0, 0, 0);
    while kills < wanted || trials < trainings.len() {
        let training = &trainings[trials % trainings.len()];
        let (expected, duration) = &unbroken[trials % trainings.len()];
        let out = format!("broken_{trials}");
        let run = training.run(folder.path(), &out);
        let resume = || if run.join("checkpoint.safetensors").exists() { "--resume" } else { "" };
        let mut moments = vec![];
        for _ in 0..1 + rng.below(4) {
            let moment = match rng.below(2) {
                0 => Moment::After(duration.mul_f64(rng.below(1000) as f64 / 1000.0)),
                _ => Moment::Writing(rng.below(8), Duration::from_micros(rng.below(2000) as u64)),
            };
            let signal = if rng.below(8) == 0 { "-TERM" } else { "-KILL" };
            moments.push((signal, moment));
            let mut command = training.command(folder.path(), &out, resume());
            let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            let killed = end(child.expect("it starts"), signal, moment, &run);
            kills += usize::from(killed);
            half_written += usize::from(killed && !parts(&run).is_empty());
        }
        training.succeeds(folder.path(), &out, resume());
        assert_same(&results(&run), expected, &format!("{} after {moments:?}", training.args));
        fs::remove_dir_all(folder.path().join(&out)).expect("a folder");
        trials += 1;
    }
    println!("{kills} kills in {trials} trainings, {half_written} of them with a half-written file: the same bytes");
    assert!(half_written > 0, "no kill came during a write");
}

#[test]
fn a_run_removes_what_its_killed_predecessor_was_writing_and_nothing_else() {
    let folder = folder();
    DIFFUSION.succeeds(folder.path(), "out", "--epochs 1");
    let run = DIFFUSION.run(folder.path(), "out");
    let (own, other) =
        ([".model.safetensors.aB3xYz.part", "samples/.epoch_001.png.000000.part"], [".part", "notes.part"]);
    let write = || own.iter().chain(&other).for_each(|name| fs::write(run.join(name), "half").expect("a file"));
    let there = |run: &Path| own.iter().chain(&other).map(|name| run.join(name).exists()).collect::<Vec<bool>>();
    write();
    let lock = fs::File::create(folder.path().join("out/step09/.diffusion_model.lock")).expect("the lock");
    lock.lock().expect("nobody else");
    DIFFUSION.fails(folder.path(), "out", "--resume", &["another run is at work"]);
    assert_eq!(there(&run), [true; 4], "they may be that run's");
    drop(lock);
    DIFFUSION.succeeds(folder.path(), "out", "--resume");
    assert_eq!(there(&run), [false, false, true, true]);
    write();
    DIFFUSION.succeeds(folder.path(), "out", "");
    assert_eq!(there(&run.with_file_name("diffusion_model.1")), [false, false, true, true]);
}
