//! What every program shares and no lesson is about: flags, run folders, progress, pictures, plots, data.

pub mod cli;
pub mod command_line;
pub mod data;
pub mod digits;
pub mod drawing;
pub mod fetch;
pub mod images;
pub mod letters;
pub mod model_file;
mod palette;
pub mod people;
pub mod picture;
pub mod plot;
pub mod programs;
pub mod progress;
pub mod quick_model;
pub mod run;
pub mod table;
pub mod training;
