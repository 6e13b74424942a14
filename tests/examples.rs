//! The examples need nobody who reads what they print.
#![cfg(unix)]

use std::process::{Command, Stdio};

#[test]
fn an_example_that_nobody_reads_writes_its_results() {
    let test = std::env::current_exe().unwrap(); // target/PROFILE/deps/examples-HASH
    let examples = test.parent().unwrap().with_file_name("examples");
    for (example, results) in [("moons", &["moons.svg", "moons.safetensors"][..]), ("own_op", &[])] {
        let example = examples.join(example);
        assert!(example.exists(), "{}: `cargo test` without --test builds it", example.display());
        for streams in [">/dev/full 2>/dev/full", ">&- 2>&- <&-", "| :"] {
            let folder = tempfile::tempdir().unwrap();
            // The exit code of what stands before a pipe is not the shell's.
            let script = format!(r#"{{ "$0"; echo $? >code; }} {streams}"#);
            let mut shell = Command::new("sh");
            shell.args(["-c", &script]).arg(&example).current_dir(&folder).stderr(Stdio::null());
            shell.status().unwrap();
            let code = std::fs::read_to_string(folder.path().join("code")).unwrap();
            assert_eq!(code, "0\n", "{} {streams}", example.display());
            assert!(results.iter().all(|name| folder.path().join("out").join(name).exists()), "{streams}");
        }
    }
}
