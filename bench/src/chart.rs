//! The report's chart: one horizontal bar a cell, its length the ratio, a line at one.

use std::fmt::Write;

use crate::cell::Measured;

const ROW: usize = 24;
const LEFT: f64 = 240.0;
const UNIT: f64 = 120.0;

/// An SVG picture of the ratios.
pub fn draw(measured: &[Measured]) -> String {
    let height = ROW * measured.len() + 40;
    let widest = measured.iter().map(Measured::ratio).fold(2.0, f64::max);
    let width = LEFT + UNIT * widest + 80.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <text x=\"8\" y=\"18\">Strata against PostgreSQL, AS OF against the present, in the same run (above 1: faster)</text>\n"
    );
    for (index, cell) in measured.iter().enumerate() {
        let (y, ratio) = (30 + index * ROW, cell.ratio());
        let colour = if ratio >= 1.0 { "#2a7" } else { "#c54" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            svg,
            "<text x=\"8\" y=\"{}\">{}</text><rect x=\"{LEFT}\" y=\"{y}\" width=\"{:.1}\" height=\"16\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{}\">{ratio:.2}</text>",
            y + 13,
            cell.name,
            ratio * UNIT,
            LEFT + ratio * UNIT + 6.0,
            y + 13,
        );
    }
    let one = LEFT + UNIT;
    let _ =
        writeln!(svg, "<line x1=\"{one}\" y1=\"26\" x2=\"{one}\" y2=\"{height}\" stroke=\"#333\"/>\n</svg>");
    svg
}
