//! Interrupted, killed and repeated trainings: nothing is lost, and a resumed run gives the same bits.

use super::*;

#[test]
fn an_earlier_run_is_moved_not_lost() {
    let folder = folder();
    step09(folder.path(), &format!("{TRAIN} --epochs 1"));
    let run = folder.path().join("out/step09/diffusion_model");
    let first = model(&run);
    let said = step09(folder.path(), &format!("{TRAIN} --epochs 1 --seed 1"));
    assert!(said.contains("diffusion_model.1"), "{said}");
    assert_eq!(model(&folder.path().join("out/step09/diffusion_model.1")), first);
    assert_ne!(model(&run), first);
}

#[test]
fn a_resumed_run_gives_the_same_losses_and_the_same_model() {
    let folder = folder();
    let out = |name: &str| folder.path().join(name).join("step09/diffusion_model");
    step09(folder.path(), &format!("{TRAIN} --epochs 2 --out unbroken"));
    step09(folder.path(), &format!("{TRAIN} --epochs 1 --out broken"));
    step09(folder.path(), &format!("{TRAIN} --epochs 2 --out broken --resume"));
    assert_eq!(losses(&out("broken")), losses(&out("unbroken")));
    assert!(model(&out("broken")) == model(&out("unbroken")));
}

/// Long enough to be interrupted.
const SLOW: &str = "diffusion_model --data built-in --batch-size 1 --epochs 2 --seed 3";

#[cfg(unix)]
#[test]
fn ctrl_c_saves_in_the_middle_of_an_epoch_and_prints_what_resumes() {
    let folder = folder();
    let run = |name: &str| folder.path().join(name).join("step09/diffusion_model");
    step09(folder.path(), &format!("{SLOW} --out unbroken"));
    let mut broken = command(folder.path(), SLOW);
    broken.args(["--out", "it's broken"]);
    let said = program::interrupted(broken, &run("it's broken").join("metrics.csv"));
    let lines: Vec<&str> = said.lines().collect();
    let [.., error, line] = lines[..] else { panic!("{said}") };
    assert!(error.starts_with("error: interrupted after step ") && error.ends_with("; to resume:"), "{said}");
    assert_eq!(line, format!(r"cargo run --release --bin step09 -- {SLOW} --out 'it'\''s broken' --resume"));
    assert!(losses(&run("it's broken")).len() < losses(&run("unbroken")).len());
    program::paste(line, STEP09, folder.path());
    assert_eq!(losses(&run("it's broken")), losses(&run("unbroken")));
    assert!(model(&run("it's broken")) == model(&run("unbroken")));
}

#[cfg(unix)]
#[test]
fn a_step_without_a_program_resumes_its_training() {
    let folder = folder();
    let run = |name: &str| folder.path().join(name).join("step09/diffusion_model_quick");
    step09(folder.path(), "--data built-in --out unbroken");
    let broken = command(folder.path(), "--data built-in --out broken --threads 1");
    let said = program::interrupted(broken, &run("broken").join("metrics.csv"));
    let line =
        "cargo run --release --bin step09 -- diffusion_model --quick --out broken --threads 1 --data built-in --resume";
    assert_eq!(said.lines().last(), Some(line), "{said}");
    let resumed = step09(folder.path(), "--resume --data built-in --out broken");
    assert!(!resumed.contains("An earlier run is now in"), "{resumed}");
    assert_eq!(losses(&run("broken")), losses(&run("unbroken")));
    assert!(model(&run("broken")) == model(&run("unbroken")));

    let again = step09(folder.path(), "--resume --data built-in --out broken");
    assert!(again.contains("by_steps.png") && !again.contains(": loss "), "trained again: {again}");
    let fresh = step09(folder.path(), "--resume --data built-in --out fresh");
    assert!(fresh.contains("epoch 2: loss "), "{fresh}");
    assert!(model(&run("fresh")) == model(&run("unbroken")));
    fails(
        folder.path(),
        "--resume diffusion_model",
        &["--resume: expected after the program", "diffusion_model --resume"],
    );
}

#[cfg(unix)]
#[test]
fn an_unfinished_run_that_is_moved_away_can_be_fetched_back() {
    let folder = folder();
    let run = |name: &str| folder.path().join(name).join("step09/diffusion_model");
    step09(folder.path(), &format!("{SLOW} --out unbroken"));
    let broken = command(folder.path(), &format!("{SLOW} --out broken"));
    program::interrupted(broken, &run("broken").join("metrics.csv"));

    let said = step09(folder.path(), &format!("{TRAIN} --epochs 1 --out broken"));
    let moved = said.lines().skip_while(|line| *line != "An earlier run is now in broken/step09/diffusion_model.1");
    let moved: Vec<&str> = moved.take(3).collect();
    assert!(moved[1].starts_with("It has done ") && moved[1].contains(" of 2 epochs."), "{said}");
    program::paste(moved[2], STEP09, folder.path());
    assert_eq!(losses(&run("broken")), losses(&run("unbroken")));
    assert!(run("broken").with_file_name("diffusion_model.2").exists(), "the other run is not lost");

    let said = step09(folder.path(), &format!("{TRAIN} --epochs 1 --out broken"));
    assert!(said.contains("diffusion_model.1") && !said.contains("It has done"), "{said}");
}

#[test]
fn resuming_with_other_flags_is_refused() {
    let folder = folder();
    step09(folder.path(), &format!("{TRAIN} --epochs 1"));
    let run = folder.path().join("out/step09/diffusion_model");
    let before = (model(&run), losses(&run));
    fails(
        folder.path(),
        &format!("{TRAIN} --epochs 2 --resume --lr 0.5"),
        &["checkpoint.safetensors", "lr: 0.001 in the checkpoint, 0.5 now"],
    );
    fails(
        folder.path(),
        &format!("{TRAIN} --epochs 2 --resume --schedule cosine"),
        &["checkpoint.safetensors", "schedule: \"linear\" in the checkpoint, \"cosine\" now"],
    );
    fails(
        folder.path(),
        &format!("{TRAIN} --epochs 2 --resume --mid 2"),
        &["checkpoint.safetensors", "mid: 0 in the checkpoint, 2 now"],
    );
    assert!((model(&run), losses(&run)) == before, "nothing was overwritten");
    fs::copy(run.join("model.safetensors"), run.join("checkpoint.safetensors")).expect("a file");
    fails(folder.path(), &format!("{TRAIN} --epochs 2 --resume"), &["expected the checkpoint of a training"]);
}

#[test]
fn there_is_nothing_to_resume_beyond_the_last_epoch() {
    let folder = folder();
    step09(folder.path(), &format!("{TRAIN} --epochs 2"));
    let run = folder.path().join("out/step09/diffusion_model");
    let before = (model(&run), losses(&run));
    let expected = "--epochs 1: 2 epochs are done already; expected at least 2";
    fails(folder.path(), &format!("{TRAIN} --epochs 1 --resume"), &[expected]);
    fs::remove_file(run.join("samples/epoch_002.png")).expect("a picture");
    step09(folder.path(), &format!("{TRAIN} --epochs 2 --resume"));
    are_there(&run, &["samples/epoch_002.png"]); // drawn again
    assert!((model(&run), losses(&run)) == before);
}

/// Its learning rate falls to zero at the end of the last epoch, so that another number of epochs is another training.
#[test]
fn the_quick_form_resumes_with_as_many_epochs_only() {
    let folder = folder();
    step09(folder.path(), &format!("{TRAIN} --quick --epochs 1"));
    fails(
        folder.path(),
        &format!("{TRAIN} --quick --epochs 2 --resume"),
        &["checkpoint.safetensors", "lr_decay_epochs"],
    );
    step09(folder.path(), &format!("{TRAIN} --quick --epochs 1 --resume"));
}

#[test]
fn a_second_run_in_one_folder_stops() {
    let folder = folder();
    step09(folder.path(), &format!("{TRAIN} --epochs 1"));
    let lock = fs::File::create(folder.path().join("out/step09/.diffusion_model.lock")).expect("the lock");
    lock.lock().expect("nobody else");
    fails(folder.path(), &format!("{TRAIN} --epochs 1"), &["diffusion_model", "another run"]);
}

/// A kill between the checkpoint and what is written from it, or in the middle of the log.
#[test]
fn a_killed_run_is_resumed() {
    let folder = folder();
    let run = |name: &str| folder.path().join(name).join("step09/diffusion_model");
    let read = |name: &str, file: &str| fs::read(run(name).join(file)).unwrap_or_else(|_| panic!("{name}: no {file}"));
    step09(folder.path(), &format!("{TRAIN} --epochs 2 --out unbroken"));
    step09(folder.path(), &format!("{TRAIN} --epochs 1 --out broken"));
    let finished = ["model.safetensors", "denoising.gif"];
    let first = finished.map(|file| read("broken", file));
    fs::remove_file(run("broken").join("samples/epoch_001.png")).expect("a picture");
    fs::remove_file(run("broken").join("denoising.gif")).expect("an animation");
    fs::write(run("broken").join("model.safetensors"), "of an epoch before").expect("a model");
    let log = read("broken", "metrics.csv");
    fs::write(run("broken").join("metrics.csv"), [&log[..], b"2,5,0.5,1\n2,6\xff"].concat()).expect("a log");

    step09(folder.path(), &format!("{TRAIN} --epochs 1 --out broken --resume"));
    assert!(finished.map(|file| read("broken", file)) == first);
    step09(folder.path(), &format!("{TRAIN} --epochs 2 --out broken --resume"));
    assert_eq!(losses(&run("broken")), losses(&run("unbroken")));
    for file in ["model.safetensors", "samples/epoch_001.png", "samples/epoch_002.png", "loss.svg", "denoising.gif"] {
        assert!(read("broken", file) == read("unbroken", file), "{file} differs");
    }
}

/// The log is for people; the checkpoint alone decides how a training goes on.
#[test]
fn a_lost_log_does_not_stop_a_resume() {
    let folder = folder();
    step09(folder.path(), &format!("{TRAIN} --epochs 1"));
    let run = folder.path().join("out/step09/diffusion_model");
    fs::remove_file(run.join("metrics.csv")).expect("the log");
    step09(folder.path(), &format!("{TRAIN} --epochs 1 --resume"));
    step09(folder.path(), &format!("{TRAIN} --epochs 2 --resume"));
    assert_eq!(losses(&run).len(), 8); // of the second epoch
}
