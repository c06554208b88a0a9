//! Grouping beyond its memory: the same rows out of files, in whatever order.

use super::world::World;

const QUERIES: [&str; 8] = [
    "SELECT g % 5000, count(*), sum(g), min(g), max(g), avg(g) FROM generate_series(1, 40000) g GROUP BY 1",
    "SELECT 'key' || g % 3000, count(*) FILTER (WHERE g % 2 = 0), string_agg(g::text, ',' ORDER BY g DESC)
     FROM generate_series(1, 20000) g GROUP BY 1",
    "SELECT g % 4000, count(DISTINCT g % 8), array_agg(g) FROM generate_series(1, 20000) g GROUP BY 1",
    "SELECT g % 2000, g % 3, count(*), grouping(g % 2000, g % 3) FROM generate_series(1, 20000) g
     GROUP BY CUBE (g % 2000, g % 3)",
    "SELECT CASE WHEN g % 4000 > 10 THEN g % 4000 END, bool_and(g > 0),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY g) FROM generate_series(1, 12000) g GROUP BY 1",
    "SELECT DISTINCT g % 9000, 'x' || g % 9000 FROM generate_series(1, 40000) g",
    "SELECT DISTINCT (g % 6000)::numeric / 10 FROM generate_series(1, 30000) g",
    "SELECT count(*), sum(n) FROM (SELECT g % 7000 AS k, count(*) AS n FROM generate_series(1, 30000) g GROUP BY 1) q",
];

#[test]
fn groups_and_distinct_rows_are_the_same_with_little_memory() {
    // Files are read on the runtime's threads.
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _entered = runtime.enter();
    let (plenty, little) = (World::new(), World::new().with_memory(200 * 1024));
    for query in QUERIES {
        let mut expected = plenty.query(query).expect(query);
        let mut rows = little.query(query).expect(query);
        expected.sort();
        rows.sort();
        assert!(rows == expected, "{query}: {} rows and {}", rows.len(), expected.len());
    }
}
