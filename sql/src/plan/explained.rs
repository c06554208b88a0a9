//! What EXPLAIN shows of a plan, and its two forms: PostgreSQL's text and PostgreSQL's JSON.

use std::fmt::Write;

use super::node::Estimate;
use crate::execute::Measured;

/// What EXPLAIN is to show.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    pub costs: bool,
    /// Times of nodes, where they were measured.
    pub timing: bool,
}

/// A node as EXPLAIN shows it.
#[derive(Clone, Debug, Default)]
pub struct Explained {
    /// The line of the text form.
    pub title: String,
    /// What the title says, for JSON; the type of the node first.
    pub facts: Vec<(&'static str, String)>,
    pub estimate: Option<(Estimate, usize)>,
    /// What it did, where the statement was run and the node can be told apart.
    pub measured: Option<Measured>,
    pub details: Vec<Detail>,
    pub children: Vec<Explained>,
    /// Common tables and subqueries, with what they are called.
    pub parts: Vec<(String, Explained)>,
}

/// A line below a node's own.
#[derive(Clone, Debug)]
pub struct Detail {
    pub label: &'static str,
    pub values: DetailValue,
}

#[derive(Clone, Debug)]
pub enum DetailValue {
    Text(String),
    List(Vec<String>),
    Count(u64),
}

impl Detail {
    pub fn text(label: &'static str, text: String) -> Detail {
        Detail { label, values: DetailValue::Text(text) }
    }

    fn line(&self) -> String {
        match &self.values {
            DetailValue::Text(text) => format!("{}: {text}", self.label),
            DetailValue::List(items) => format!("{}: {}", self.label, items.join(", ")),
            DetailValue::Count(count) => format!("{}: {count}", self.label),
        }
    }
}

impl Explained {
    /// The lines of the text form.
    pub fn lines(&self, shown: Shown) -> Vec<String> {
        let mut lines = Vec::new();
        self.append(shown, "", "", &mut lines);
        lines
    }

    fn append(&self, shown: Shown, first: &str, rest: &str, lines: &mut Vec<String>) {
        lines.push(format!("{first}{}", self.line(shown)));
        for detail in &self.details {
            lines.push(format!("{rest}  {}", detail.line()));
        }
        for child in &self.children {
            child.append(shown, &format!("{rest}  ->  "), &format!("{rest}        "), lines);
        }
        for (name, part) in &self.parts {
            lines.push(format!("{rest}  {name}"));
            part.append(shown, &format!("{rest}    ->  "), &format!("{rest}          "), lines);
        }
    }

    fn line(&self, shown: Shown) -> String {
        let mut line = self.title.clone();
        if let Some((estimate, width)) = self.estimate.filter(|_| shown.costs) {
            let _ = write!(
                line,
                "  (cost={:.2}..{:.2} rows={:.0} width={width})",
                estimate.startup, estimate.total, estimate.rows
            );
        }
        match self.measured {
            Some(measured) if measured.loops == 0 => line.push_str(" (never executed)"),
            Some(measured) => {
                let (startup, total, rows) = averages(&measured);
                line.push_str(" (actual ");
                if shown.timing {
                    let _ = write!(line, "time={startup:.3}..{total:.3} ");
                }
                let _ = write!(line, "rows={rows} loops={})", measured.loops);
            }
            None => {}
        }
        line
    }

    /// The JSON form of the node, at an indent.
    pub fn json(
        &self,
        shown: Shown,
        relationship: Option<(&str, Option<&str>)>,
        indent: usize,
        out: &mut String,
    ) {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut facts = self.facts.iter().map(|(name, value)| ((*name).to_string(), quoted(value)));
        fields.extend(facts.next());
        if let Some((relationship, name)) = relationship {
            fields.push(("Parent Relationship".to_string(), quoted(relationship)));
            fields.extend(name.map(|name| ("Subplan Name".to_string(), quoted(name))));
        }
        fields.push(("Parallel Aware".to_string(), "false".to_string()));
        fields.push(("Async Capable".to_string(), "false".to_string()));
        fields.extend(facts);
        if let Some((estimate, width)) = self.estimate.filter(|_| shown.costs) {
            fields.push(("Startup Cost".to_string(), format!("{:.2}", estimate.startup)));
            fields.push(("Total Cost".to_string(), format!("{:.2}", estimate.total)));
            fields.push(("Plan Rows".to_string(), format!("{:.0}", estimate.rows)));
            fields.push(("Plan Width".to_string(), width.to_string()));
        }
        if let Some(measured) = &self.measured {
            let (startup, total, rows) = averages(measured);
            if shown.timing {
                fields.push(("Actual Startup Time".to_string(), format!("{startup:.3}")));
                fields.push(("Actual Total Time".to_string(), format!("{total:.3}")));
            }
            fields.push(("Actual Rows".to_string(), rows.to_string()));
            fields.push(("Actual Loops".to_string(), measured.loops.to_string()));
        }
        for detail in &self.details {
            let value = match &detail.values {
                DetailValue::Text(text) => quoted(text),
                DetailValue::Count(count) => count.to_string(),
                DetailValue::List(items) => {
                    format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "))
                }
            };
            fields.push((detail.label.to_string(), value));
        }
        let blanks = " ".repeat(indent);
        out.push_str("{\n");
        let written: Vec<String> =
            fields.iter().map(|(name, value)| format!("{blanks}  {}: {value}", quoted(name))).collect();
        out.push_str(&written.join(",\n"));
        self.json_plans(shown, indent, out);
        let _ = write!(out, "\n{blanks}}}");
    }

    fn json_plans(&self, shown: Shown, indent: usize, out: &mut String) {
        if self.children.is_empty() && self.parts.is_empty() {
            return;
        }
        let blanks = " ".repeat(indent);
        let _ = write!(out, ",\n{blanks}  \"Plans\": [\n");
        let children = self.children.iter().enumerate().map(|(place, child)| {
            let relationship = if place == 0 { "Outer" } else { "Inner" };
            ((relationship, None), child)
        });
        let parts = self.parts.iter().map(|(name, part)| {
            let relationship = if name.starts_with("CTE") { "InitPlan" } else { "SubPlan" };
            ((relationship, Some(name.as_str())), part)
        });
        for (place, (relationship, node)) in children.chain(parts).enumerate() {
            if place > 0 {
                out.push_str(",\n");
            }
            let _ = write!(out, "{blanks}    ");
            node.json(shown, Some(relationship), indent + 4, out);
        }
        let _ = write!(out, "\n{blanks}  ]");
    }
}

/// Milliseconds until the first row and in all, and rows: of one run, on average.
fn averages(measured: &Measured) -> (f64, f64, u64) {
    let loops = measured.loops.max(1);
    let milliseconds = |spent: std::time::Duration| spent.as_secs_f64() * 1e3 / loops as f64;
    let rows = (measured.rows as f64 / loops as f64).round() as u64;
    (milliseconds(measured.startup), milliseconds(measured.total), rows)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn scan(loops: u64) -> Explained {
        let measured = Measured {
            loops,
            rows: 10,
            startup: Duration::from_micros(10),
            total: Duration::from_micros(30),
        };
        Explained {
            title: "Seq Scan on t".to_string(),
            facts: vec![("Node Type", "Seq Scan".to_string()), ("Relation Name", "t".to_string())],
            estimate: Some((Estimate { rows: 5.0, startup: 0.0, total: 1.5 }, 4)),
            measured: Some(measured),
            details: vec![Detail::text("Filter", "(a > 1)".to_string())],
            ..Explained::default()
        }
    }

    #[test]
    fn times_and_rows_are_those_of_one_run() {
        let shown = Shown { costs: true, timing: true };
        let line =
            "Seq Scan on t  (cost=0.00..1.50 rows=5 width=4) (actual time=0.005..0.015 rows=5 loops=2)";
        assert_eq!(scan(2).lines(shown), [line, "  Filter: (a > 1)"]);
        let quiet = Shown { costs: false, timing: false };
        assert_eq!(
            scan(2).lines(quiet).first().map(String::as_str),
            Some("Seq Scan on t (actual rows=5 loops=2)")
        );
        assert_eq!(scan(0).lines(quiet).first().map(String::as_str), Some("Seq Scan on t (never executed)"));
    }

    #[test]
    fn json_is_json() {
        let root = Explained {
            title: "Limit".to_string(),
            facts: vec![("Node Type", "Limit".to_string())],
            children: vec![scan(1)],
            parts: vec![("SubPlan 1".to_string(), scan(0))],
            ..Explained::default()
        };
        let mut text = String::new();
        root.json(Shown { costs: true, timing: true }, None, 0, &mut text);
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let plans = value.get("Plans").and_then(|plans| plans.as_array()).expect("plans");
        assert_eq!(plans.len(), 2);
        assert_eq!(plans[0]["Actual Rows"], 10);
        assert_eq!(plans[1]["Subplan Name"], "SubPlan 1");
    }
}
