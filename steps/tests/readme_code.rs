//! Code that the documentation quotes must stand in the file that it is quoted from.
//!
//! A block is marked as a quotation by the path of its file behind the language, relative to the folder of the Markdown file:
//!
//! ````text
//! ```rust book.rs
//! // phi_k = sum over n of q_n(k) / N
//! weights.push(count / n as f64);
//! // ...
//! components.push(MultivariateNormal::new(mean, covariance)?);
//! ```
//! ````
//!
//! The lines must stand in that file one after another and in this order. Indentation does not count. A line `// ...` stands
//! for lines that are left out, so the piece behind it may begin anywhere after the piece before it. Blocks without a path
//! are not checked.

use std::fs;
use std::path::{Path, PathBuf};

/// All Markdown files under a folder, except in hidden folders and in those of build results.
fn markdown_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !["target", "out", "node_modules"].contains(&&name[..]) {
                markdown_files(&path, files);
            }
        } else if name.ends_with(".md") {
            files.push(path);
        }
    }
}

/// A block of code that is marked as a quotation.
#[derive(Debug, PartialEq)]
struct Quotation {
    /// The line of its first fence, from 1.
    line: usize,
    /// The file that it is quoted from, relative to the folder of the Markdown file.
    path: String,
    lines: Vec<String>,
}

fn quotations(markdown: &str) -> Vec<Quotation> {
    let mut found = vec![];
    let mut lines = (1..).zip(markdown.lines());
    while let Some((line, fence)) = lines.next() {
        let Some(info) = fence.trim().strip_prefix("```") else { continue };
        let block = lines.by_ref().map(|(_, text)| text.trim().to_string()).take_while(|text| text != "```");
        let block: Vec<String> = block.collect();
        if let Some(path) = info.strip_prefix("rust ") {
            found.push(Quotation { line, path: path.trim().into(), lines: block });
        }
    }
    found
}

/// The first line of the quotation that does not stand in the source where it should.
fn first_difference(quoted: &[String], source: &str) -> Option<String> {
    let source: Vec<&str> = source.lines().map(str::trim).collect();
    let mut rest = &source[..];
    for piece in quoted.split(|line| line == "// ...") {
        // How many lines agree from each line of the source on.
        let agreeing = |start: usize| piece.iter().zip(&rest[start..]).take_while(|(a, b)| a == b).count();
        let best = (0..=rest.len()).max_by_key(|&start| (agreeing(start), std::cmp::Reverse(start))).expect("a start");
        if agreeing(best) < piece.len() {
            return Some(piece[agreeing(best)].clone());
        }
        rest = &rest[best + piece.len()..];
    }
    None
}

#[test]
fn quoted_code_stands_in_its_file() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let (mut files, mut count, mut wrong) = (vec![], 0, vec![]);
    markdown_files(repository, &mut files);
    for file in files {
        for Quotation { line, path, lines } in quotations(&fs::read_to_string(&file).expect("UTF-8")) {
            count += 1;
            let place = format!("{}:{line}", file.strip_prefix(repository).unwrap().display());
            match fs::read_to_string(file.parent().unwrap().join(&path)) {
                Err(error) => wrong.push(format!("{place}: {path}: {error}")),
                Ok(source) => {
                    let difference = first_difference(&lines, &source);
                    wrong.extend(difference.map(|line| format!("{place}: not in {path}, or not there: {line}")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(count > 0, "no quotation was found");
}

#[test]
fn a_quotation_is_found_and_a_difference_noticed() {
    let markdown = "text\n```sh\nls\n```\n```rust a.rs\nlet x = 1;\n// ...\n  let z = x;\n```\n```rust\nfree();\n```\n";
    let found = quotations(markdown);
    let lines = ["let x = 1;", "// ...", "let z = x;"].map(String::from).to_vec();
    assert_eq!(found, [Quotation { line: 5, path: "a.rs".into(), lines: lines.clone() }]);
    assert_eq!(first_difference(&lines, "fn f() {\n    let x = 1;\n    let y = 2;\n    let z = x;\n}\n"), None);
    let difference = |source: &str| first_difference(&lines, source);
    assert_eq!(difference("let x = 1;\nlet z = y;\n"), Some("let z = x;".into()));
    assert_eq!(difference("let z = x;\nlet x = 1;\n"), Some("let z = x;".into()), "the order differs");
    assert_eq!(difference("let x = 2;\nlet z = x;\n"), Some("let x = 1;".into()));
    let adjacent = ["let x = 1;", "let z = x;"].map(String::from);
    let between = "let x = 1;\nlet y = 2;\nlet z = x;\n";
    assert_eq!(first_difference(&adjacent, between), Some("let z = x;".into()), "a line is missing");
}
