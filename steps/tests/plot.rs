//! Figures: bins as NumPy makes them, contours where the level is, files that hold what was drawn.

use proptest::prelude::*;
use std::f64::consts::PI;
use steps::common::plot::{self, BLUE, Chart, Grid, Histogram, Panel, Surface, VERMILION};

/// The figures of `numpy.histogram(xs, bins="auto")` (NumPy 2.4).
#[test]
fn bins_are_numpy_s() {
    let auto = |xs: &[f64]| Histogram::auto(xs).counts;
    let remainders: Vec<f64> = (0..1000).map(|k| f64::from(k * 37 % 101) / 8.0).collect();
    assert_eq!(auto(&remainders), [99, 89, 89, 89, 89, 89, 90, 88, 89, 90, 99]);
    let crowded: Vec<f64> = (0..500).map(|k| 1.0 / (1.0 + f64::from(k))).collect();
    assert_eq!((auto(&crowded).len(), &auto(&crowded)[..6]), (45, &[459, 20, 7, 3, 3, 1][..]));
    let cubes: Vec<f64> = (0..20_000_u64).map(|k| (k * k * k % 1009) as f64 / 16.0).collect();
    assert_eq!((auto(&cubes).len(), &auto(&cubes)[..4]), (27, &[736, 1015, 415, 777][..]));
    let squares: Vec<f64> = (0..300).map(|k| f64::from(k * k % 64).powi(2) / 4.0).collect();
    assert_eq!(auto(&squares), [169, 19, 0, 56, 0, 18, 0, 19, 0, 19]);
    // Its middle half has no width at all.
    let flat: Vec<f64> = (0..90).map(|_| 0.0).chain((1..=10).map(f64::from)).collect();
    assert_eq!((auto(&flat).len(), &auto(&flat)[..5]), (20, &[90, 0, 1, 0, 1][..]));
    assert_eq!(auto(&[1.0, 2.0]), [1, 1]);
    assert_eq!(auto(&[-f64::MAX, f64::MAX]).len(), 1, "a range that no f64 can hold");
    for (xs, edges) in [(&[7.5][..], [7.0, 8.0]), (&[5.0; 40], [4.5, 5.5]), (&[], [0.0, 1.0])] {
        assert_eq!(Histogram::auto(xs), Histogram { edges: edges.to_vec(), counts: vec![xs.len()] });
    }
}

/// The figures of `numpy.histogram(numpy.arange(61) / 10 + 0.1, bins=60)`: rounding decides on which side of a border a
/// number lies.
#[test]
fn numbers_on_a_border_are_counted_as_numpy_does() {
    let tenths: Vec<f64> = (0..=60).map(|i| f64::from(i) / 10.0 + 0.1).collect();
    let numpy = "111112101112020120111121011210112101120120111202012020120202";
    let counts: String = Histogram::new(&tenths, 60).counts.iter().map(ToString::to_string).collect();
    assert_eq!(counts, numpy);
}

#[test]
fn the_area_of_a_histogram_is_1() {
    let histogram = Histogram::new(&[0.0, 1.0, 1.5, 4.0], 8);
    let area: f64 = histogram.density().iter().map(|height| height * 0.5).sum();
    assert!((area - 1.0).abs() < 1e-12, "{area}");
}

#[test]
#[should_panic(expected = "numbers must be finite")]
fn a_histogram_of_nan_is_refused() {
    Histogram::auto(&[1.0, f64::NAN, 2.0]);
}

#[test]
fn the_contour_of_a_cone_is_one_closed_circle() {
    let grid = Grid::new((-2.0, 2.0), (-2.0, 2.0), 60, f64::hypot);
    let [circle] = &grid.contour(1.5)[..] else { panic!("one line was expected") };
    assert_eq!(circle.first(), circle.last());
    assert!(circle.iter().all(|(x, y)| (x.hypot(*y) - 1.5).abs() < 1e-3));
    let length: f64 = circle.windows(2).map(|p| (p[1].0 - p[0].0).hypot(p[1].1 - p[0].1)).sum();
    assert!((length - 3.0 * PI).abs() < 0.02, "{length}");
    // Beyond the middle of the sides it reaches the border: four arcs, open at both ends.
    let arcs = grid.contour(2.5);
    let on_border = |&(x, y): &(f64, f64)| x.abs() == 2.0 || y.abs() == 2.0;
    assert_eq!(arcs.len(), 4);
    assert!(
        arcs.iter().all(|arc| on_border(&arc[0]) && on_border(&arc[arc.len() - 1]) && arc[0] != arc[arc.len() - 1])
    );
    assert!(grid.contour(3.0).is_empty());
}

/// Around a saddle the middle of the cell decides; either way the lines follow xy = level.
#[test]
fn a_saddle_has_two_lines() {
    let grid = Grid::new((-1.0, 1.0), (-1.0, 1.0), 21, |x, y| x * y);
    for level in [-1e-3, 1e-3] {
        let lines = grid.contour(level);
        assert_eq!(lines.len(), 2);
        for line in lines {
            assert!(line.iter().all(|(x, y)| (x * y - level).abs() < 2e-3 && x * y * level > -1e-9));
            assert!(line.iter().all(|(x, _)| *x > 0.0) || line.iter().all(|(x, _)| *x < 0.0), "it crosses the saddle");
        }
    }
    let levels = [(-0.5, "−0.5"), (0.0, "0.0"), (0.5, "0.5")].map(|(level, label)| (level, label.to_string()));
    assert_eq!(grid.levels(5), levels);
}

#[test]
fn a_figure_is_svg_with_its_words_and_curves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figure.svg");
    let chart = Chart::new("A title <&>", "x [cm]", "y [kg]").line("named", BLUE, [(0.0, 0.0), (1.0, 10.0)]);
    let grid = Grid::new((0.0, 1.0), (0.0, 1.0), 4, |x, y| x + y);
    plot::save(&path, &[chart.into(), Surface::new("Hill", ["a", "b", "c"], grid).into()]).unwrap();
    let svg = std::fs::read_to_string(&path).unwrap();
    assert!(svg.starts_with("<svg width=\"800\" height=\"390\" viewBox=\"0 0 3200 1560\""), "{svg}");
    assert!(svg.trim_end().ends_with("</svg>"));
    for words in ["A title &lt;&amp;&gt;", "x [cm]", "y [kg]", "named", "Hill", "10"] {
        assert!(svg.contains(words), "{words} is missing");
    }
    assert_eq!(svg.matches("<polygon").count(), 16, "a polygon for each cell");
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}

fn svg(panels: &[Panel]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figure.svg");
    plot::save(&path, panels).unwrap();
    std::fs::read_to_string(&path).unwrap()
}

/// The points of all curves of an SVG in a colour, in its units.
fn curves(svg: &str, color: &str) -> Vec<(i64, i64)> {
    let lines = svg.lines().filter(|line| line.starts_with("<polyline") && line.contains(color));
    let numbers: Vec<i64> = lines.flat_map(|line| numbers(line, "points")).collect();
    numbers.chunks(2).map(|pair| (pair[0], pair[1])).collect()
}

/// Left, top, right and bottom of the frame of the legend.
fn frame(svg: &str) -> Option<[i64; 4]> {
    let rect = svg.lines().find(|line| line.starts_with("<rect") && line.contains("#AAAAAA"))?;
    let [x, y, width, height] = ["x", "y", "width", "height"].map(|name| numbers(rect, name)[0]);
    Some([x, y, x + width, y + height])
}

#[test]
fn a_legend_hides_no_data() {
    // A curve that leaves one corner free, in turn each of them.
    for (up, right) in [(false, false), (false, true), (true, false), (true, true)] {
        let corner = |x: f64, y: f64| (if right { x } else { 1.0 - x }, if up { y } else { 1.0 - y });
        let points = plot::sampled(0.0, 1.0, |x| x).into_iter();
        let others = points.flat_map(|(t, _)| [corner(t, 0.02), corner(0.02, t), corner(t, 0.98 * (1.0 - t))]);
        let chart = Chart::new("t", "x", "y").x_range(0.0, 1.0).y_range(0.0, 1.0).dots("named", BLUE, 2.0, others);
        let svg = svg(&[chart.into()]);
        let [left, top, right_end, bottom] = frame(&svg).expect("a frame");
        let (xs, ys) = (numbers(&svg, "cx"), numbers(&svg, "cy"));
        let inside = |&(x, y): &(&i64, &i64)| (left..=right_end).contains(x) && (top..=bottom).contains(y);
        assert_eq!(xs.iter().zip(&ys).filter(inside).count(), 1, "the key is the only dot in the frame");
        assert_eq!((left > 1600, top < 900), (right, up));
    }
    // Where no corner is free, the names stand above the axes.
    let everywhere = (0..10_000).map(|i| (f64::from(i % 100), f64::from(i / 100)));
    let svg = svg(&[Chart::new("t", "x", "y").dots("named", BLUE, 2.0, everywhere).into()]);
    assert!(frame(&svg).is_none() && svg.contains("named"));
    let (key, dots) = (numbers(&svg, "cy").pop().unwrap(), numbers(&svg, "cy"));
    assert!(dots[..10_000].iter().all(|y| *y > key + 30));
}

#[test]
fn the_axes_of_a_figure_are_aligned() {
    let panel = |top: f64| -> Panel { Chart::new("t", "x", "y").line("", BLUE, [(0.0, 0.0), (1.0, top)]).into() };
    let svg = svg(&[panel(1.0), panel(1e-5), panel(123_456.0), panel(1e9)]);
    let points = curves(&svg, "#0072B2");
    let xs: Vec<i64> = points.chunks(2).map(|line| line[0].0).collect();
    assert_eq!((points.len(), xs[0], xs[1]), (8, xs[2], xs[3]));
    let widths: Vec<i64> = points.chunks(2).map(|line| line[1].0 - line[0].0).collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
}

#[test]
fn a_circle_is_a_circle_if_it_shall_be() {
    let circle = || (0..=100).map(|i| f64::from(i) / 50.0 * PI).map(|angle| (angle.cos(), angle.sin()));
    let chart = || Chart::new("t", "x", "y").line("", BLUE, circle());
    for (chart, is_circle) in
        [(chart(), false), (chart().equal(), true), (chart().x_range(-3.0, 2.0).y_range(-1.0, 1.0).equal(), true)]
    {
        let points = curves(&svg(&[chart.into()]), "#0072B2");
        let extent = |values: &[i64]| values.iter().max().unwrap() - values.iter().min().unwrap();
        let (xs, ys): (Vec<i64>, Vec<i64>) = points.into_iter().unzip();
        assert_eq!((extent(&xs) - extent(&ys)).abs() < 12, is_circle, "{} x {}", extent(&xs), extent(&ys));
    }
}

#[test]
fn points_contours_and_categories_have_their_names() {
    let grid = Grid::new((-1.0, 1.0), (-1.0, 1.0), 20, |x, y| -x.hypot(y));
    let chart = Chart::new("log-likelihood, -ln p", "x", "y").contours(&grid, &grid.levels(5)).mark("top", (0.0, 0.0));
    let names = Chart::new("t", "x", "y").categories(&["one", "two"]).dots("", BLUE, 2.0, [(0.0, 1.0), (1.0, 2.0)]);
    let svg = svg(&[chart.into(), names.into()]);
    for words in ["log-likelihood, −ln p", "\n−1.0\n", "\n−0.5\n", "\ntop\n", "\none\n", "\ntwo\n"] {
        assert!(svg.contains(words), "{words} is missing");
    }
    assert!(!svg.contains("\n-"), "a hyphen in place of a minus");
}

#[test]
fn an_arrow_leads_from_its_start_to_its_end_and_has_its_head_there() {
    let (start, end) = ((0.1, 0.2), (0.5, 0.9));
    let chart = Chart::new("t", "x", "y").x_range(0.0, 1.0).y_range(0.0, 1.0).line("", VERMILION, [start, end]);
    let drawn = |chart: Chart| svg(&[chart.into()]);
    let figure = drawn(chart.clone().arrows("", BLUE, [(start, end), (end, (1.5, 0.9)), (end, (f64::NAN, 0.9))]));
    let [from, tip, left, again, right] = curves(&figure, "#0072B2")[..] else { panic!("one arrow that is inside") };
    assert_eq!(vec![from, tip], curves(&figure, "#D55E00"));
    let from_tip = |(x, y): (i64, i64)| ((x - tip.0) as f64, (y - tip.1) as f64);
    let ([(ax, ay), (bx, by)], (dx, dy)) = ([left, right].map(from_tip), from_tip(from));
    assert!(again == tip && (ax.hypot(ay) - bx.hypot(by)).abs() < 3.0 && ax.hypot(ay) < 0.1 * dx.hypot(dy));
    assert!(ax * dx + ay * dy > 0.0 && bx * dx + by * dy > 0.0, "both barbs lead back");
    assert!((dx * ay - dy * ax) * (dx * by - dy * bx) < 0.0, "one on each side");
    assert!(drawn(chart.arrows("wind", BLUE, [(start, end)])).contains("\nwind\n"));
}

#[test]
fn a_heat_map_has_a_colour_for_each_value_and_no_seams() {
    let (xs, ys) = (vec![0.0, 1.0, 2.0], vec![0.0, 1.0]);
    let grid = Grid { xs, ys, z: vec![0.0, 0.0, 1.0, 0.5, f64::NAN, 1.0] };
    let figure = svg(&[Chart::new("t", "x", "y").x_range(0.0, 2.0).y_range(0.0, 1.0).heat("p", &grid).into()]);
    assert!(figure.contains("t (1 not finite)") && figure.contains("\np\n"));
    let rects = figure.lines().filter(|line| line.starts_with("<rect") && line.contains("fill=\"#")).skip(1).take(5);
    let rects: Vec<&str> = rects.collect(); // without the background and the key
    let fills = ["#440154", "#FEE825", "#22948B", "#FFFFFF", "#FEE825"];
    let [dark, light, middle, none, _] = rects[..] else { panic!("five cells") };
    assert!(rects.iter().zip(fills).all(|(rect, fill)| rect.contains(fill)), "{rects:?}");
    let at = |rect: &str, name: &str| numbers(rect, name)[0];
    let ends = |rect: &str| (at(rect, "x") + at(rect, "width"), at(rect, "y") + at(rect, "height"));
    // Each reaches under the next one to its right and above; the borders lie between the places of the grid.
    assert!(ends(dark).0 > at(light, "x") && at(dark, "y") < ends(middle).1 && ends(middle).0 > at(none, "x"));
    let (left, width) = (at(dark, "x"), ends(light).0 - at(dark, "x"));
    assert!((4 * (at(light, "x") - left) - 3 * width).abs() < 8 && (4 * (at(none, "x") - left) - width).abs() < 8);
}

/// Numbers outside of what they are compared in have no bin.
#[test]
#[should_panic(expected = "5 is not from 0 to 4")]
fn two_histograms_may_have_the_same_bins() {
    let first = Histogram::new(&[0.0, 1.0, 4.0], 4);
    assert_eq!(Histogram::over(first.edges.clone(), &[1.0, 1.5, 3.0, 4.0]).counts, [0, 2, 0, 2]);
    Histogram::over(first.edges, &[5.0]);
}

/// One number, a constant, nothing at all: figures without a natural scale are still figures.
#[test]
fn figures_of_nearly_nothing_can_be_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figure.svg");
    let chart = || Chart::new("t", "x", "y");
    let grid = Grid::new((0.0, 1.0), (0.0, 1.0), 3, |_, _| 0.25);
    let panels: [Panel; 7] = [
        chart().into(),
        chart().line("", BLUE, [(3.0, 3.0)]).into(),
        chart().area("", BLUE, []).dashes("", BLUE, []).into(),
        chart().log_x().log_y().dots("", BLUE, 2.0, [(0.0, -1.0)]).dashes("", BLUE, [(0.0, 1.0), (2.0, 3.0)]).into(),
        chart().contours(&grid, &grid.levels(3)).into(),
        chart().heat("", &grid).arrows("", BLUE, [((0.5, 0.5), (0.5, 0.5))]).into(),
        Surface::new("t", ["x", "y", "z"], grid).into(),
    ];
    for panels in panels.chunks(1).chain([&panels[..]]) {
        plot::save(&path, panels).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains(&i32::MIN.to_string()) && !svg.contains(&i32::MAX.to_string()));
    }
    plot::save(&path, &panels[1..2]).unwrap();
    let svg = std::fs::read_to_string(&path).unwrap();
    assert!(svg.contains("\n2.6\n") && svg.contains("\n3.0\n"), "a single number stands in the middle of an axis");
}

/// All numbers in an attribute of an element that is drawn.
fn numbers(svg: &str, attribute: &str) -> Vec<i64> {
    let start = format!(" {attribute}=\"");
    let values = svg.split(&start).skip(1).filter_map(|rest| rest.split('"').next());
    values.flat_map(|value| value.split([' ', ','])).filter(|n| !n.is_empty()).map(|n| n.parse().unwrap()).collect()
}

/// Everything that can be drawn of some numbers, finite ones and others.
fn panels(numbers: &[f64]) -> Vec<Panel> {
    let points = || numbers.iter().copied().zip(numbers.iter().rev().copied());
    let finite: Vec<f64> = numbers.iter().copied().filter(|x| x.is_finite()).collect();
    let chart = Chart::new("t", "x", "y")
        .line("line", BLUE, points())
        .dashes("dashes", BLUE, points())
        .area("area", BLUE, points())
        .dots("dots", BLUE, 2.0, points())
        .histogram("bars", BLUE, &Histogram::new(&finite, 3))
        .outline("outline", BLUE, &Histogram::auto(&finite))
        .errors("errors", BLUE, points().map(|(x, y)| (x, y, 1.0)))
        .arrows("arrows", BLUE, points().zip(points().skip(1)))
        .mark("mark", (0.5, 0.5));
    let [first, last] = [finite.first(), finite.last()].map(|x| x.copied().unwrap_or(0.0));
    let grid = Grid::new((first, last), (0.0, 1.0), 3, |x, y| x * y);
    vec![
        chart.clone().into(),
        chart.clone().log_x().log_y().into(),
        chart.clone().x_range(0.0, 1.0).y_range(-1e-5, 1e-5).into(),
        chart.clone().x_range(0.5, 0.6).y_range(0.5, 0.6).log_x().log_y().into(),
        chart.clone().equal().into(),
        chart.clone().categories(&["one", "two"]).into(),
        chart.x_range(first, last).y_range(last, first).into(),
        Chart::new("t", "x", "y").contours(&grid, &grid.levels(3)).into(),
        Chart::new("t", "x", "y").heat("heat", &grid).into(),
        Surface::new("t", ["x", "y", "z"], grid).into(),
    ]
}

/// What is drawn lies in the figure or near it, and has few words.
fn assert_drawn(panel: &Panel) {
    let svg = svg(std::slice::from_ref(panel));
    for attribute in ["points", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy"] {
        let outside = numbers(&svg, attribute).into_iter().find(|n| !(-400..=3600).contains(n));
        assert_eq!(outside, None, "{attribute}: {panel:?}");
    }
    for attribute in ["width", "height"] {
        assert!(numbers(&svg, attribute).iter().all(|n| *n >= 0), "{attribute}: {panel:?}");
    }
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{panel:?}");
    let words: Vec<&str> = svg.split("<text").skip(1).map(|text| text.lines().nth(1).unwrap()).collect();
    assert!(words.len() < 50 && words.iter().all(|word| word.len() < 24), "{words:?}");
}

/// Numbers that are huge, tiny, nearly or wholly equal, far outside of what is shown, or none.
#[test]
fn hard_numbers_are_drawn_within_the_figure() {
    let all: [&[f64]; 12] = [
        &[],
        &[0.0],
        &[1e308, 1e308],
        &[-1e308, 1e308],
        &[f64::MIN, 0.0, f64::MAX],
        &[1e-300, 2e-300],
        &[5e-324, 1e-310],
        &[1e-300, 1e300],
        &[1e16, 1e16 + 2.0],
        &[1.0, 1.0 + f64::EPSILON],
        &[-1.0, 0.0, 1e-5, 1.0],
        &[f64::NAN, 1.0, f64::INFINITY, f64::NEG_INFINITY],
    ];
    all.into_iter().flat_map(panels).for_each(|panel| assert_drawn(&panel));
}

/// A finite number of any size, or one next to it.
fn any_finite() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    let anchor = prop::sample::select(vec![0.0, 1.0, 1e15, 1e300, 1e308, f64::MAX, f64::MIN_POSITIVE, 5e-324]);
    let near = (anchor, any::<bool>(), 0_u64..4).prop_map(|(x, negative, ulps)| {
        let x = f64::from_bits(f64::to_bits(x) + ulps);
        if negative { -x } else { x }
    });
    prop_oneof![POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO, near, -1e3..1e3]
        .prop_filter("finite", |x| x.is_finite())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_finite_numbers_are_drawn_within_the_figure(numbers in prop::collection::vec(any_finite(), 0..6)) {
        panels(&numbers).iter().for_each(assert_drawn);
    }
}

#[test]
fn the_title_counts_what_is_not_finite() {
    let line = |y: f64| Chart::new("loss", "x", "y").line("", BLUE, [(0.0, 1.0), (1.0, y), (f64::NAN, y)]);
    assert!(svg(&[line(f64::INFINITY).into()]).contains("\nloss (2 not finite)\n"));
    let grid = Grid::new((0.0, 1.0), (0.0, 1.0), 2, |x, y| (x + y).ln());
    let panels = [
        Surface::new("hill", ["x", "y", "z"], grid.clone()).into(),
        Chart::new("lines", "x", "y").contours(&grid, &[(0.0, "0".into())]).into(),
    ];
    let svg = svg(&panels);
    assert!(svg.contains("\nhill (1 not finite)\n") && svg.contains("\nlines (1 not finite)\n"), "{svg}");
}

#[test]
fn what_cannot_be_written_is_said_with_its_path() {
    let panels = [Chart::new("t", "x", "y").into()];
    let error = plot::save("no/such/folder/figure.svg".as_ref(), &panels).unwrap_err();
    assert_eq!(error.to_string(), "no/such/folder/figure.svg: cannot be written");
}
