//! The legend of a chart, in a frame where it hides no data, or else above the axes; and labels beside what they name.

use super::room::{Rect, Room};
use super::series::{KEY, Series};
use super::style::{FRAME, INK, NOTE, TICK, letters, px};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// The height of an entry, and the room around and between entries, in pixels.
const ROW: f64 = 18.0;
const ROOM: f64 = 7.0;

/// What a legend holds: the series, and the width of its key and name in units.
pub type Entries<'a> = [(&'a Series, u32)];

/// The width of an entry whose name has the width `name`.
pub fn entry_width(name: u32) -> u32 {
    px(KEY + ROOM) + name
}

/// The place of a legend between axes (width, height) where it hides least, and how much that is.
pub fn inside(entries: &Entries, room: &Room, (width, height): (u32, u32)) -> Option<(Rect, usize)> {
    let widest = entries.iter().map(|(_, width)| *width).max()?;
    let (wide, high) = (widest + px(2.0 * ROOM), entries.len() as u32 * px(ROW) + px(ROOM));
    let gap = px(6.0) as i32;
    let (right, bottom) = (width as i32 - wide as i32 - gap, height as i32 - high as i32 - gap);
    let corners = [(right, gap), (right, bottom), (gap, gap), (gap, bottom), (right / 2, gap), (right / 2, bottom)];
    room.best(corners.map(|corner| Rect::new(corner, (wide, high))))
}

/// Where the entries stand above axes of this `width`: (x, row) of each, in as few rows as possible.
pub fn rows(entries: &Entries, width: u32) -> Vec<(i32, usize)> {
    let (mut x, mut row) = (0, 0);
    let mut places = vec![];
    for (_, wide) in entries {
        if x > 0 && x + wide > width {
            (x, row) = (0, row + 1);
        }
        places.push((x as i32, row));
        x += wide + px(2.0 * ROOM);
    }
    places
}

/// The height in units of a legend of so many rows above the axes.
pub fn height(rows: usize) -> u32 {
    rows as u32 * px(ROW)
}

/// Draws a legend in its frame.
pub fn draw<DB: DrawingBackend>(entries: &Entries, frame: Rect, axes: &DrawingArea<DB, Shift>) -> DrawResult<(), DB> {
    let corners = [(frame.left, frame.top), (frame.right, frame.bottom)];
    axes.draw(&Rectangle::new(corners, WHITE.filled()))?;
    axes.draw(&Rectangle::new(corners, FRAME.stroke_width(px(1.0))))?;
    let (left, top) = (frame.left + px(ROOM) as i32, frame.top + px(ROOM / 2.0) as i32);
    for (row, (series, _)) in entries.iter().enumerate() {
        entry(series, (left, top + height(row) as i32), axes)?;
    }
    Ok(())
}

/// Draws a legend in rows at the top of `area`, from `left` on.
pub fn draw_above<DB: DrawingBackend>(
    entries: &Entries,
    width: u32,
    left: i32,
    area: &DrawingArea<DB, Shift>,
) -> DrawResult<(), DB> {
    for ((series, _), (x, row)) in entries.iter().zip(rows(entries, width)) {
        entry(series, (left + x, height(row) as i32), area)?;
    }
    Ok(())
}

fn entry<DB: DrawingBackend>(series: &Series, (x, y): (i32, i32), area: &DrawingArea<DB, Shift>) -> DrawResult<(), DB> {
    let middle = y + px(ROW / 2.0) as i32;
    series.key((x, middle)).iter().try_for_each(|element| area.draw(element))?;
    let style = letters(TICK).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw(&Text::new(series.name.clone(), (x + px(KEY + ROOM) as i32, middle), style))
}

/// Writes `text` where it hides least: in one of the rectangles of its size around `places`, and takes the room for it.
pub fn label<DB: DrawingBackend>(
    text: &str,
    places: impl Iterator<Item = (i32, i32)>,
    room: &mut Room,
    axes: &DrawingArea<DB, Shift>,
) -> DrawResult<(), DB> {
    let size = axes.estimate_text_size(text, &letters(NOTE))?;
    let Some((rect, _)) = room.best(places.map(|place| Rect::around(place, size))) else { return Ok(()) };
    room.take(rect);
    axes.draw(&Rectangle::new([(rect.left, rect.top), (rect.right, rect.bottom)], WHITE.mix(0.8).filled()))?;
    let middle = ((rect.left + rect.right) / 2, (rect.top + rect.bottom) / 2);
    let style = letters(NOTE).color(&INK).pos(Pos::new(HPos::Center, VPos::Center));
    axes.draw(&Text::new(text.to_string(), middle, style))
}
