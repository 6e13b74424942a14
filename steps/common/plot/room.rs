//! [`Room`]: which parts of a chart are free, so that legends and labels hide no data.

use super::style::px;
use std::ops::Range;

/// A rectangle in plotters' units, from the upper left corner of a chart's axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
}

impl Rect {
    pub fn new((left, top): (i32, i32), (width, height): (u32, u32)) -> Rect {
        Rect { left, top, right: left + width as i32, bottom: top + height as i32 }
    }

    /// The rectangle of this size around a point.
    pub fn around((x, y): (i32, i32), (width, height): (u32, u32)) -> Rect {
        Rect::new((x - width as i32 / 2, y - height as i32 / 2), (width, height))
    }

    /// Width and height.
    pub fn size(&self) -> (u32, u32) {
        ((self.right - self.left) as u32, (self.bottom - self.top) as u32)
    }
}

/// The plane between the axes in cells of 3 x 3 pixels: which of them something is drawn in.
pub struct Room {
    width: i32,
    height: i32,
    columns: usize,
    taken: Vec<bool>,
}

impl Room {
    /// Nothing is drawn yet between axes of these lengths, in units.
    pub fn new((width, height): (u32, u32)) -> Room {
        let (columns, rows) = (width.div_ceil(cell()) as usize, height.div_ceil(cell()) as usize);
        Room { width: width as i32, height: height as i32, columns, taken: vec![false; columns * rows] }
    }

    /// Takes what a straight line crosses.
    pub fn take_line(&mut self, from: (i32, i32), to: (i32, i32)) {
        let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()) / cell() as i32 + 1;
        for i in 0..=steps {
            let at = |from: i32, to: i32| from + ((i64::from(to - from) * i64::from(i)) / i64::from(steps)) as i32;
            self.take(Rect::new((at(from.0, to.0), at(from.1, to.1)), (0, 0)));
        }
    }

    pub fn take(&mut self, rect: Rect) {
        self.cells(rect).for_each(|i| self.taken[i] = true);
    }

    /// Of the rectangles that lie between the axes, the first with the fewest taken cells, and how many these are.
    pub fn best(&self, rects: impl IntoIterator<Item = Rect>) -> Option<(Rect, usize)> {
        let inside = |r: &Rect| r.left >= 0 && r.top >= 0 && r.right <= self.width && r.bottom <= self.height;
        let taken = |rect| self.cells(rect).filter(|&i| self.taken[i]).count();
        rects.into_iter().filter(inside).map(|rect| (rect, taken(rect))).min_by_key(|(_, taken)| *taken)
    }

    /// The cells that a rectangle touches, without those outside.
    fn cells(&self, rect: Rect) -> impl Iterator<Item = usize> + use<> {
        let between = |low: i32, high: i32, length: i32| -> Range<usize> {
            let cell = cell() as i32;
            let index = |x: i32| (x.clamp(0, length - 1) / cell) as usize;
            if high < 0 || low >= length { 0..0 } else { index(low)..index(high) + 1 }
        };
        let (columns, across) = (self.columns, between(rect.left, rect.right, self.width));
        between(rect.top, rect.bottom, self.height).flat_map(move |row| across.clone().map(move |x| row * columns + x))
    }
}

/// The side of a cell in units.
fn cell() -> u32 {
    px(3.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_until_something_is_drawn_in_it() {
        let mut room = Room::new((1200, 600));
        let corners = [Rect::new((900, 0), (300, 100)), Rect::new((0, 0), (300, 100))];
        assert_eq!(room.best(corners), Some((corners[0], 0)));
        room.take_line((600, -500), (1300, 200));
        assert_eq!(room.best(corners), Some((corners[1], 0)));
        room.take_line((-10, 50), (200, 50));
        let (rect, taken) = room.best(corners).unwrap();
        assert!(rect == corners[0] && taken > 0 && taken < 20, "{rect:?}: {taken}");
        assert_eq!(room.best([Rect::new((901, 0), (300, 100))]), None, "it leaves the chart");
    }
}
