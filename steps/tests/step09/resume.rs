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

#[cfg(unix)]
#[test]
fn ctrl_c_saves_in_the_middle_of_an_epoch() {
    let folder = folder();
    let run = |name: &str| folder.path().join(name).join("step09/diffusion_model");
    let flags = "diffusion_model --data built-in --batch-size 1 --epochs 2";
    step09(folder.path(), &format!("{flags} --out unbroken"));
    let mut child = command(folder.path(), &format!("{flags} --out broken"));
    let child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("step09 starts");
    while !run("broken").join("metrics.csv").exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill").success());
    let said = child.wait_with_output().expect("step09 ends");
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("interrupted after step") && said.contains("--resume"), "{said}");
    assert!(losses(&run("broken")).len() < losses(&run("unbroken")).len());
    step09(folder.path(), &format!("{flags} --out broken --resume"));
    assert_eq!(losses(&run("broken")), losses(&run("unbroken")));
    assert!(model(&run("broken")) == model(&run("unbroken")));
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
    assert!((model(&run), losses(&run)) == before, "nothing was overwritten");
    fs::copy(run.join("model.safetensors"), run.join("checkpoint.safetensors")).expect("a file");
    fails(folder.path(), &format!("{TRAIN} --epochs 2 --resume"), &["expected the checkpoint of a training"]);
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
