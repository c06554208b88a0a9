WITH RECURSIVE tree AS (
  SELECT employee_id, first_name || ' ' || last_name AS name, title, 0 AS depth, ARRAY[employee_id] AS path FROM employee WHERE reports_to IS NULL
  UNION ALL
  SELECT e.employee_id, e.first_name || ' ' || e.last_name, e.title, t.depth + 1, t.path || e.employee_id
  FROM employee e JOIN tree t ON e.reports_to = t.employee_id)
SELECT repeat('  ', depth) || name AS name, title, depth, path FROM tree ORDER BY path;
